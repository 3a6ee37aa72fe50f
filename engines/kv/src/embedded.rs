//! The engine on a local disk.
/// Whether a transaction waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    #[default]
    /// A transaction resolves once it is on disk.
    Durable,
    /// A transaction resolves once the operating system has it: it survives the process, not a power cut.
    Relaxed,
}
