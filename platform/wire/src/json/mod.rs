//! JSON bodies: read straight into slots, written straight from views.

mod lexer;
mod read;
mod write;

pub(crate) use read::{body_into, document_into, error_fields, named_into, union_into};
/// Bytes that cannot stand for themselves in a JSON string.
static IS_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

pub(crate) use write::{document, members, string, structure, union};

/// How many bytes at the start of `bytes` stand for themselves in a JSON string. Eight are looked at at once.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Marks the bytes of a word that are zero, and perhaps some after the first of them.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut length = 0;
    for eight in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(eight.try_into().unwrap_or_default());
        let is_below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let slashes = zeros(word ^ (ONES * u64::from(b'\\')));
        if is_below_space | quotes | slashes != 0 {
            break;
        }
        length += 8;
    }
    let rest = bytes[length..].iter().position(|byte| IS_SPECIAL[usize::from(*byte)]);
    rest.map_or(bytes.len(), |rest| length + rest)
}

#[cfg(test)]
mod tests {
    use super::{IS_SPECIAL, plain_length};

    #[test]
    fn plain_bytes_end_before_the_first_special_one() {
        for byte in 0..=255_u8 {
            for place in 0..20 {
                let mut bytes = [b'a', 0xC3, 0xA4, 0x7F, b' ', b'!', b'#', b']', b'[', 0xFF].repeat(2);
                bytes[place] = byte;
                let expected = if IS_SPECIAL[usize::from(byte)] { place } else { 20 };
                assert_eq!(plain_length(&bytes), expected, "{byte} at {place}");
            }
        }
    }
}
