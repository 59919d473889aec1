//! What the program does, seen through its public doors.

#[cfg(test)]
mod capability;
