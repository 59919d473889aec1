//! WebSockets from end to end: real clients and apps, and hostile ones that write frames by hand.

mod door;
mod evasion;
mod lifecycle;
mod messages;
mod opening;
mod stage;
mod violations;
