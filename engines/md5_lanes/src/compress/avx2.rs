//! Eight streams in registers of 256 bits, each of which holds one word of all.

use std::arch::x86_64::*;

use super::{SINES, WIDTH};
use crate::BLOCK;

/// As [`super::eight`].
#[target_feature(enable = "avx2")]
pub(super) fn eight(states: &mut [[u32; WIDTH]; 4], blocks: &[&[u8]; WIDTH]) {
    let mut state = states.map(|words| load(&words));
    let mut streams = blocks.map(|blocks| blocks.as_chunks::<BLOCK>().0.iter());
    loop {
        let mut message = [_mm256_setzero_si256(); 16];
        let mut rows = [[[0; WIDTH]; 2]; WIDTH];
        for (rows, blocks) in rows.iter_mut().zip(&mut streams) {
            let Some(block) = blocks.next() else {
                for (words, state) in states.iter_mut().zip(state) {
                    *words = store(state);
                }
                return;
            };
            for (word, bytes) in rows.as_flattened_mut().iter_mut().zip(block.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
        }
        for half in 0..2 {
            let columns = transposed(rows.map(|halves| load(&halves[half])));
            message[half * WIDTH..][..WIDTH].copy_from_slice(&columns);
        }
        rounds(&mut state, &message);
    }
}

#[target_feature(enable = "avx2")]
fn load(words: &[u32; WIDTH]) -> __m256i {
    let pair = |at: usize| (u64::from(words[at]) | u64::from(words[at + 1]) << 32).cast_signed();
    _mm256_set_epi64x(pair(6), pair(4), pair(2), pair(0))
}

#[target_feature(enable = "avx2")]
fn store(register: __m256i) -> [u32; WIDTH] {
    let mut words = [0; WIDTH];
    let pairs = [
        _mm256_extract_epi64::<0>(register),
        _mm256_extract_epi64::<1>(register),
        _mm256_extract_epi64::<2>(register),
        _mm256_extract_epi64::<3>(register),
    ];
    for (words, pair) in words.chunks_exact_mut(2).zip(pairs) {
        (words[0], words[1]) = (pair as u32, (pair >> 32) as u32);
    }
    words
}

/// Eight words of each of eight streams, by word instead of by stream.
#[target_feature(enable = "avx2")]
fn transposed(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let pairs = [
        _mm256_unpacklo_epi32(r0, r1),
        _mm256_unpackhi_epi32(r0, r1),
        _mm256_unpacklo_epi32(r2, r3),
        _mm256_unpackhi_epi32(r2, r3),
        _mm256_unpacklo_epi32(r4, r5),
        _mm256_unpackhi_epi32(r4, r5),
        _mm256_unpacklo_epi32(r6, r7),
        _mm256_unpackhi_epi32(r6, r7),
    ];
    let [p0, p1, p2, p3, p4, p5, p6, p7] = pairs;
    let low = [
        _mm256_unpacklo_epi64(p0, p2),
        _mm256_unpackhi_epi64(p0, p2),
        _mm256_unpacklo_epi64(p1, p3),
        _mm256_unpackhi_epi64(p1, p3),
    ];
    let high = [
        _mm256_unpacklo_epi64(p4, p6),
        _mm256_unpackhi_epi64(p4, p6),
        _mm256_unpacklo_epi64(p5, p7),
        _mm256_unpackhi_epi64(p5, p7),
    ];
    [
        _mm256_permute2x128_si256::<0x20>(low[0], high[0]),
        _mm256_permute2x128_si256::<0x20>(low[1], high[1]),
        _mm256_permute2x128_si256::<0x20>(low[2], high[2]),
        _mm256_permute2x128_si256::<0x20>(low[3], high[3]),
        _mm256_permute2x128_si256::<0x31>(low[0], high[0]),
        _mm256_permute2x128_si256::<0x31>(low[1], high[1]),
        _mm256_permute2x128_si256::<0x31>(low[2], high[2]),
        _mm256_permute2x128_si256::<0x31>(low[3], high[3]),
    ]
}

#[target_feature(enable = "avx2")]
fn rounds(state: &mut [__m256i; 4], message: &[__m256i; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    let ones = _mm256_set1_epi32(-1);
    macro_rules! step {
        ($mixed:expr, $at:expr, $word:expr, $turn:literal) => {
            let sine = _mm256_set1_epi32(SINES[$at].cast_signed());
            let sum =
                _mm256_add_epi32(_mm256_add_epi32(a, _mm256_add_epi32(sine, message[$word % 16])), $mixed);
            let turned =
                _mm256_or_si256(_mm256_slli_epi32::<$turn>(sum), _mm256_srli_epi32::<{ 32 - $turn }>(sum));
            (a, d, c, b) = (d, c, b, _mm256_add_epi32(turned, b));
        };
    }
    macro_rules! round {
        ($number:literal, $mixed:expr, $step:literal, $offset:literal, [$($turn:literal),*]) => {
            round!(@ $number, $mixed, $step, $offset, [$($turn),*], 0, 4, 8, 12)
        };
        (@ $number:literal, $mixed:expr, $step:literal, $offset:literal,
         [$one:literal, $two:literal, $three:literal, $four:literal], $($at:literal),*) => {
            $(
                step!($mixed, $number * 16 + $at, $at * $step + $offset, $one);
                step!($mixed, $number * 16 + $at + 1, ($at + 1) * $step + $offset, $two);
                step!($mixed, $number * 16 + $at + 2, ($at + 2) * $step + $offset, $three);
                step!($mixed, $number * 16 + $at + 3, ($at + 3) * $step + $offset, $four);
            )*
        };
    }
    round!(0, _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d))), 1, 0, [7, 12, 17, 22]);
    round!(1, _mm256_xor_si256(c, _mm256_and_si256(d, _mm256_xor_si256(b, c))), 5, 1, [5, 9, 14, 20]);
    round!(2, _mm256_xor_si256(b, _mm256_xor_si256(c, d)), 3, 5, [4, 11, 16, 23]);
    round!(3, _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, ones))), 7, 0, [6, 10, 15, 21]);
    for (state, word) in state.iter_mut().zip([a, b, c, d]) {
        *state = _mm256_add_epi32(*state, word);
    }
}
