//! The thin binary: everything is in the library, so that tests start the same server.

/// What one thread allocates another frees here, all day, which costs glibc's allocator a fifth of a turn's processor
/// time more; and what a peak took goes back to the machine.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    siaga::cli::run()
}
