//! What the program does, seen through its public doors.

mod capability;
