//! The `matinv` program.

fn main() -> std::process::ExitCode {
    matinv_cli::run()
}
