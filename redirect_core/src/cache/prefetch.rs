//! Telling the processor which memory will be looked at soon.

/// Bytes that come into a processor's cache together.
const LINE_BYTES: usize = 64;

/// Have the lines of `bytes` that hold `from` and up to `length` bytes behind it fetched; what lies beyond is left alone.
#[inline]
pub fn prefetch(bytes: &[u8], from: usize, length: usize) {
    let end = from.saturating_add(length).min(bytes.len());
    for at in (from..end).step_by(LINE_BYTES) {
        fetch(&bytes[at]);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn fetch(byte: &u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: SSE is part of every x86-64 processor, and a prefetch has no effect that a program could see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) }
}

/// Elsewhere the memory is waited for when it is needed.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn fetch(_: &u8) {}
