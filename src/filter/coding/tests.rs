//! Every coding, cut everywhere, cut short, extended, and blown up.
