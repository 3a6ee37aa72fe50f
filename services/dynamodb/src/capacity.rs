//! Capacity units that reads and writes consume ("DynamoDB read and write capacity operations").

/// Bytes that one read unit covers.
pub const READ_UNIT_BYTES: usize = 4096;
/// Bytes that one write unit covers.
pub const WRITE_UNIT_BYTES: usize = 1024;

/// How a read sees writes that are under way, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    Eventual,
    Consistent,
    Transactional,
}

/// Units for reading so many bytes: of one item, or of all items that one Query or Scan page looked at.
/// Reading what does not exist costs as much as the smallest item.
pub fn read_units(bytes: usize, mode: ReadMode) -> f64 {
    let units = bytes.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    match mode {
        ReadMode::Eventual => units / 2.0,
        ReadMode::Consistent => units,
        ReadMode::Transactional => units * 2.0,
    }
}

/// Units for writing one item: the larger of before and after counts, an absent one as the smallest.
pub fn write_units(old_bytes: usize, new_bytes: usize, is_transactional: bool) -> f64 {
    let units = old_bytes.max(new_bytes).div_ceil(WRITE_UNIT_BYTES).max(1) as f64;
    if is_transactional { units * 2.0 } else { units }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_counted_in_four_kilobytes() {
        for (bytes, eventual) in [(0, 0.5), (1, 0.5), (4096, 0.5), (4097, 1.0), (409_600, 50.0)] {
            assert_eq!(read_units(bytes, ReadMode::Eventual), eventual, "{bytes}");
            assert_eq!(read_units(bytes, ReadMode::Consistent), eventual * 2.0, "{bytes}");
            assert_eq!(read_units(bytes, ReadMode::Transactional), eventual * 4.0, "{bytes}");
        }
    }

    #[test]
    fn writes_are_counted_in_kilobytes_of_the_larger_image() {
        assert_eq!(write_units(0, 0, false), 1.0);
        assert_eq!(write_units(0, 1024, false), 1.0);
        assert_eq!(write_units(1025, 10, false), 2.0);
        assert_eq!(write_units(10, 1025, true), 4.0);
    }
}
