//! The `attune` command.

fn main() -> std::process::ExitCode {
    attune::cli::main()
}
