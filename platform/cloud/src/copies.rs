//! Copies in memory of what another service keeps: when one is old, told without a list of who has which.
//!
//! Whoever changes something moves its counter on, once readers see the change and before the change is answered. Whoever
//! keeps a copy notes the counter before reading, and uses the copy for as long as the counter stands there. So no copy
//! outlives what it was made of, in whatever order reads and changes meet. The counters are a fixed number, found by
//! a hash; what shares one by chance only costs a read too many.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// How many counters there are: 512 KiB of them.
const COUNTERS: usize = 1 << 16;

/// The counters of the region. Cheap to clone.
#[derive(Clone)]
pub struct Copies(Arc<[AtomicU64]>);

/// What a counter counts the changes of: a hash of its name, which must be well mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Original(u16);

impl Original {
    pub fn of_hash(hash: u64) -> Self {
        // The upper bits are the better mixed ones of most hashes.
        Self((hash >> 40) as u16)
    }
}

impl Default for Copies {
    fn default() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Copies {
    /// All copies of these are old now. A counter that several of them share moves on by one.
    pub fn outdate(&self, mut originals: impl AsMut<[Original]>) {
        let originals = originals.as_mut();
        originals.sort_unstable();
        for (index, original) in originals.iter().enumerate() {
            if index == 0 || originals[index - 1] != *original {
                self.0[usize::from(original.0)].fetch_add(1, Release);
            }
        }
    }

    /// Where a counter stands.
    pub fn version(&self, original: Original) -> u64 {
        self.0[usize::from(original.0)].load(Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::{Copies, Original};

    #[test]
    fn a_change_moves_a_counter_on_by_one_however_often_it_is_named() {
        let copies = Copies::default();
        let (one, other) = (Original::of_hash(7 << 40), Original::of_hash(8 << 40));
        copies.outdate([one, other, one]);
        copies.outdate([one]);
        assert_eq!((copies.version(one), copies.version(other)), (2, 1));
    }
}
