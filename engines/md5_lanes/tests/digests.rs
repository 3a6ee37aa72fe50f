//! Digests are those of another implementation, whatever else is hashed meanwhile.

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use md5::Digest;
use md5_lanes::{Lanes, Md5};
use proptest::prelude::*;

fn expected(pieces: &[Bytes]) -> [u8; 16] {
    let mut md5 = md5::Md5::new();
    pieces.iter().for_each(|piece| md5.update(piece));
    md5.finalize().into()
}

fn digest(lanes: &Arc<Lanes>, batches: &[Vec<Bytes>]) -> [u8; 16] {
    let mut md5 = Md5::new(Arc::clone(lanes));
    batches.iter().for_each(|batch| md5.update(batch));
    md5.finish()
}

fn sample(length: usize, seed: u32) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).collect()
}

#[test]
fn the_digests_of_the_rfc() {
    let lanes = Arc::new(Lanes::default());
    for (text, hex) in [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ] {
        let found = digest(&lanes, &[vec![Bytes::from_static(text.as_bytes())]]);
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hex, "{text}");
    }
}

#[test]
fn many_threads_get_their_own_digests() {
    let lanes = Arc::new(Lanes::default());
    let threads: Vec<_> = (0..20_u32)
        .map(|seed| {
            let lanes = Arc::clone(&lanes);
            thread::spawn(move || {
                for round in 0..5 {
                    let batches: Vec<Vec<Bytes>> = (0..4)
                        .map(|part| {
                            let length = 10_000 + (seed * 7919 + round * 131 + part) as usize % 50_000;
                            vec![sample(length, seed + part), sample(part as usize * 33, round)]
                        })
                        .collect();
                    assert_eq!(digest(&lanes, &batches), expected(&batches.concat()), "thread {seed}");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("its digests are right"));
}

proptest! {
    #[test]
    fn pieces_of_any_lengths_make_the_digest_of_the_whole(
        streams in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(0_usize..300, 0..4), 0..4), 1..12)
    ) {
        let lanes = Arc::new(Lanes::default());
        let threads: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(seed, batches)| {
                let batches: Vec<Vec<Bytes>> = batches
                    .iter()
                    .map(|batch| batch.iter().map(|length| sample(*length, seed as u32)).collect())
                    .collect();
                let lanes = Arc::clone(&lanes);
                thread::spawn(move || (digest(&lanes, &batches), expected(&batches.concat())))
            })
            .collect();
        for thread in threads {
            let (found, expected) = thread.join().expect("a digest");
            prop_assert_eq!(found, expected);
        }
    }
}
