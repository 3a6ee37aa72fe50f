//! Random bytes and the ids made of them.

use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Where randomness comes from: the system, or a seed that makes a run repeatable.
#[derive(Debug, Default)]
pub enum Ids {
    #[default]
    System,
    Seeded(Mutex<u64>),
}

impl Ids {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Mutex::new(seed))
    }

    /// Fresh random bytes, 1024 at most.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= 1024) };
        let mut out = [0; N];
        match self {
            Self::System => Reserve::fill(&mut out),
            Self::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in out.chunks_mut(8) {
                    let word = split_mix(&mut state).to_le_bytes();
                    chunk.copy_from_slice(&word[..chunk.len()]);
                }
            }
        }
        out
    }

    pub fn number(&self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    /// A random UUID (RFC 9562, version 4) in its usual form.
    pub fn uuid(&self) -> String {
        let mut bytes: [u8; 16] = self.bytes();
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let mut out = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
        out
    }

    /// `length` characters drawn from `alphabet`, which has at most 256.
    pub fn text(&self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    /// `length` lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        self.text(HEX, length)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&self, limit: usize) -> usize {
        let wide = u64::from_le_bytes(self.bytes());
        ((u128::from(wide) * limit as u128) >> 64) as usize
    }
}

const RESERVE_BYTES: usize = 4096;

/// Random bytes of this thread that were not handed out yet: asking the system for a few at a time costs more than
/// making them.
struct Reserve {
    bytes: [u8; RESERVE_BYTES],
    used: usize,
}

thread_local! {
    static RESERVE: RefCell<Reserve> = const { RefCell::new(Reserve { bytes: [0; RESERVE_BYTES], used: RESERVE_BYTES }) };
}

impl Reserve {
    fn fill(out: &mut [u8]) {
        RESERVE.with_borrow_mut(|reserve| {
            if out.len() > reserve.bytes.len() - reserve.used {
                // The system's generator fails only before it was seeded, early at boot.
                getrandom::fill(&mut reserve.bytes).expect("the system has a random generator");
                reserve.used = 0;
            }
            let end = reserve.used + out.len();
            // What was handed out is wiped, so that nobody finds a secret here later.
            let taken = &mut reserve.bytes[reserve.used..end];
            out.copy_from_slice(taken);
            taken.fill(0);
            reserve.used = end;
        });
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Sebastiano Vigna, "splitmix64".
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn a_seed_repeats_and_uuids_have_their_marks() {
        assert_eq!(Ids::seeded(7).uuid(), Ids::seeded(7).uuid());
        let uuid = Ids::System.uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!(Ids::System.text(b"ab", 40).chars().all(|c| c == 'a' || c == 'b'));
    }
}
