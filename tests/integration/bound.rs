//! Previews bound to their revision, their review and their users, over real sockets.

mod callback;
mod command_line;
mod door;
mod names;
mod stage;
mod streams;
