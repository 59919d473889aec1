//! The `chaperone` program: reads the command line, runs one verb, ends with its exit code.

fn main() -> std::process::ExitCode {
    chaperone::cli::main()
}
