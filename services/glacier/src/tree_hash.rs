//! SHA-256 tree hashes (Glacier Developer Guide, "Computing Checksums"): the hashes of each megabyte, joined in pairs until
//! one is left; one without a neighbour goes up as it is.

use blobs::sealed::Digests;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A leaf of the tree.
pub(crate) const MEGABYTE: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest(pub [u8; 32]);

impl Digest {
    pub(crate) fn hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
    }

    fn joined(self, right: Self) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(right.0).finalize().into())
    }
}

/// Hashes bytes as they come; 32 bytes are kept for each megabyte.
#[derive(Default)]
pub(crate) struct TreeHasher {
    leaf: Sha256,
    in_leaf: u64,
    leaves: Vec<u8>,
}

impl TreeHasher {
    /// The leaves, one after the other.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.in_leaf > 0 || self.leaves.is_empty() {
            self.end_leaf();
        }
        self.leaves
    }

    fn end_leaf(&mut self) {
        self.leaves.extend_from_slice(&std::mem::take(&mut self.leaf).finalize());
        self.in_leaf = 0;
    }
}

impl TreeHasher {
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(MEGABYTE - self.in_leaf).unwrap_or(usize::MAX);
            let (head, rest) = bytes.split_at(room.min(bytes.len()));
            self.leaf.update(head);
            self.in_leaf += head.len() as u64;
            bytes = rest;
            if self.in_leaf == MEGABYTE {
                self.end_leaf();
            }
        }
    }
}

impl Digests for TreeHasher {
    fn update(&mut self, pieces: &[Bytes]) {
        pieces.iter().for_each(|piece| self.take(piece));
    }
}

/// The root of a tree whose leaves, or nodes of one height, come one by one. Of whole subtrees, one per height is kept.
#[derive(Default)]
pub(crate) struct Root {
    /// Nodes that wait for their right neighbour, with their heights, the highest first.
    waiting: Vec<(u32, Digest)>,
}

impl Root {
    pub(crate) fn push(&mut self, digest: Digest) {
        let (mut height, mut node) = (0, digest);
        while let Some((_, left)) = self.waiting.pop_if(|(waiting, _)| *waiting == height) {
            node = left.joined(node);
            height += 1;
        }
        self.waiting.push((height, node));
    }

    /// `None` of nothing.
    pub(crate) fn finish(mut self) -> Option<Digest> {
        let (_, mut node) = self.waiting.pop()?;
        while let Some((_, left)) = self.waiting.pop() {
            node = left.joined(node);
        }
        Some(node)
    }
}

/// The root over leaves that lie one after the other.
pub(crate) fn root(leaves: &[u8]) -> Digest {
    let mut root = Root::default();
    leaves.as_chunks::<32>().0.iter().for_each(|leaf| root.push(Digest(*leaf)));
    root.finish().unwrap_or(Digest(Sha256::digest([]).into()))
}

/// Whether the hash of the megabytes `from..to` is a node of the tree over `total` megabytes ("Tree-hash aligned" of the
/// Glacier Developer Guide, "Receiving Checksums When Downloading Data").
pub(crate) fn is_aligned(from: u64, to: u64, total: u64) -> bool {
    let count = to.saturating_sub(from);
    let node = count.next_power_of_two();
    count > 0 && from.is_multiple_of(node) && (count == node || to == total)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::{Digest, Root, TreeHasher, is_aligned, root};

    fn leaf(byte: u8) -> Digest {
        Digest(Sha256::digest([byte]).into())
    }

    #[test]
    fn nodes_without_a_neighbour_go_up_as_they_are() {
        let mut tree = Root::default();
        (0..5).for_each(|byte| tree.push(leaf(byte)));
        let left = leaf(0).joined(leaf(1)).joined(leaf(2).joined(leaf(3)));
        assert_eq!(tree.finish(), Some(left.joined(leaf(4))));
    }

    #[test]
    fn a_leaf_is_a_megabyte_however_the_bytes_come() {
        let bytes = vec![7; (5 << 20) / 2];
        let mut hasher = TreeHasher::default();
        bytes.chunks(700_001).for_each(|piece| hasher.take(piece));
        let leaves = hasher.finish();
        let expected: Vec<u8> = bytes.chunks(1 << 20).flat_map(Sha256::digest).collect();
        assert_eq!(leaves, expected);
        let part = |index: usize| Digest(expected[index * 32..][..32].try_into().unwrap());
        assert_eq!(root(&leaves), part(0).joined(part(1)).joined(part(2)));
    }

    #[test]
    fn aligned_ranges_are_nodes() {
        let aligned: Vec<(u64, u64)> = (0..6)
            .flat_map(|from| (from + 1..=6).map(move |to| (from, to)))
            .filter(|(from, to)| is_aligned(*from, *to, 6))
            .collect();
        let expected =
            [(0, 1), (0, 2), (0, 4), (0, 6), (1, 2), (2, 3), (2, 4), (3, 4), (4, 5), (4, 6), (5, 6)];
        assert_eq!(aligned, expected);
    }
}
