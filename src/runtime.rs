//! What runs the data path: the executor, its tasks, signals, the drain and reloads.

pub mod drain;
pub mod reload;
pub mod signal;
pub mod task;

pub use drain::Drain;
pub use reload::{Live, Versioned, Watch};
pub use signal::{Signal, Signals};

/// The executor, one worker for every core that this process may use.
///
/// # Errors
/// Fails when the operating system gives no threads or no event queue.
pub fn executor() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("chaperone")
        .enable_all()
        .build()
}
