//! The thin binary: everything is in the library, so that tests start the same server.

fn main() -> std::process::ExitCode {
    siaga::cli::run()
}
