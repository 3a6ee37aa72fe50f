//! The compression function, for one stream and for eight.

#[cfg(target_arch = "x86_64")]
mod avx2;

use crate::BLOCK;

/// The four words that a digest is made of.
pub(crate) type State = [u32; 4];

/// Streams that are hashed in one go: as many as words of a 256-bit register.
pub(crate) const WIDTH: usize = 8;

pub(crate) const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The whole part of 2^32 times the sine of 1, 2, ... radians.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// One word of each of `N` streams.
type Words<const N: usize> = [u32; N];

/// Hashes blocks of one stream.
pub(crate) fn one(state: &mut State, blocks: &[u8]) {
    let mut words = state.map(|word| [word]);
    all::<1>(&mut words, &[blocks]);
    *state = words.map(|[word]| word);
}

/// Hashes equally many blocks of each of eight streams. `states` has the first words of all, then the second ones, ...
pub(crate) fn eight(states: &mut [Words<WIDTH>; 4], blocks: &[&[u8]; WIDTH]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        #[allow(unsafe_code)]
        return unsafe { avx2::eight(states, blocks) };
    }
    all::<WIDTH>(states, blocks);
}

#[inline(always)]
fn all<const N: usize>(states: &mut [Words<N>; 4], blocks: &[&[u8]; N]) {
    let mut streams = blocks.map(|blocks| blocks.as_chunks::<BLOCK>().0.iter());
    loop {
        let mut message = [[0_u32; N]; 16];
        for (stream, blocks) in streams.iter_mut().enumerate() {
            let Some(block) = blocks.next() else { return };
            for (word, bytes) in message.iter_mut().zip(block.as_chunks::<4>().0) {
                word[stream] = u32::from_le_bytes(*bytes);
            }
        }
        rounds(states, &message);
    }
}

#[inline(always)]
fn rounds<const N: usize>(states: &mut [Words<N>; 4], message: &[Words<N>; 16]) {
    let [mut a, mut b, mut c, mut d] = *states;
    macro_rules! round {
        ($number:literal, $mix:ident, $step:literal, $offset:literal, [$($turn:literal),*]) => {
            let mut index = 0;
            while index < 16 {
                $(
                    let word = &message[(index * $step + $offset) % 16];
                    let mixed = $mix(&b, &c, &d);
                    let sum = step(&a, &mixed, word, SINES[$number * 16 + index], $turn, &b);
                    (a, d, c, b) = (d, c, b, sum);
                    index += 1;
                )*
            }
        };
    }
    round!(0, choose, 1, 0, [7, 12, 17, 22]);
    round!(1, choose_by_last, 5, 1, [5, 9, 14, 20]);
    round!(2, parity, 3, 5, [4, 11, 16, 23]);
    round!(3, spread, 7, 0, [6, 10, 15, 21]);
    for (state, word) in states.iter_mut().zip([a, b, c, d]) {
        *state = each(|lane| state[lane].wrapping_add(word[lane]));
    }
}

#[inline(always)]
fn each<const N: usize>(word: impl Fn(usize) -> u32) -> Words<N> {
    let mut words = [0; N];
    for (lane, slot) in words.iter_mut().enumerate() {
        *slot = word(lane);
    }
    words
}

#[inline(always)]
fn step<const N: usize>(
    a: &Words<N>,
    mixed: &Words<N>,
    word: &Words<N>,
    sine: u32,
    turn: u32,
    b: &Words<N>,
) -> Words<N> {
    each(|lane| {
        let sum = a[lane].wrapping_add(mixed[lane]).wrapping_add(word[lane]).wrapping_add(sine);
        sum.rotate_left(turn).wrapping_add(b[lane])
    })
}

#[inline(always)]
fn choose<const N: usize>(b: &Words<N>, c: &Words<N>, d: &Words<N>) -> Words<N> {
    each(|lane| d[lane] ^ (b[lane] & (c[lane] ^ d[lane])))
}

#[inline(always)]
fn choose_by_last<const N: usize>(b: &Words<N>, c: &Words<N>, d: &Words<N>) -> Words<N> {
    each(|lane| c[lane] ^ (d[lane] & (b[lane] ^ c[lane])))
}

#[inline(always)]
fn parity<const N: usize>(b: &Words<N>, c: &Words<N>, d: &Words<N>) -> Words<N> {
    each(|lane| b[lane] ^ c[lane] ^ d[lane])
}

#[inline(always)]
fn spread<const N: usize>(b: &Words<N>, c: &Words<N>, d: &Words<N>) -> Words<N> {
    each(|lane| c[lane] ^ (b[lane] | !d[lane]))
}
