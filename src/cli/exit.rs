//! The exit codes, named: scripts rely on them.

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything is fine.
    Fine,
    /// There are findings, or a check was refused or failed.
    Findings,
    /// The command line or an input can't be used.
    Usage,
    /// `redact` blocked the input.
    Blocked,
    /// The program failed.
    Internal,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(match code {
            ExitCode::Fine => 0,
            ExitCode::Findings => 1,
            ExitCode::Usage => 2,
            ExitCode::Blocked => 3,
            ExitCode::Internal => 4,
        })
    }
}
