//! The codec of codes and the rule of aliases.

/// Characters of a code, in ASCII order, so that packed codes sort as their texts do.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes of a code.
pub const CODE_BYTES: usize = 7;
/// Packed codes are below this: 62⁷ < 2⁴², so 6 bytes hold one.
pub const CODES: u64 = 62_u64.pow(7);
/// Bytes of the longest alias.
pub const MAX_ALIAS_BYTES: usize = 64;

const NO_DIGIT: u8 = u8::MAX;
const DIGITS: [u8; 256] = digits();

#[allow(clippy::cast_possible_truncation)] // an index into 62 characters
const fn digits() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        table[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
}

/// A 7-character code of `[0-9A-Za-z]` as a number below [`CODES`]; `None`: it is no such code.
#[must_use]
#[inline]
pub fn pack_code(code: &[u8]) -> Option<u64> {
    let code: &[u8; CODE_BYTES] = code.try_into().ok()?;
    let mut number = 0;
    for &byte in code {
        let digit = DIGITS[usize::from(byte)];
        if digit == NO_DIGIT {
            return None;
        }
        number = number * 62 + u64::from(digit);
    }
    Some(number)
}

/// The code that [`pack_code`] made `number` of; `None`: not below [`CODES`].
#[must_use]
#[allow(clippy::cast_possible_truncation)] // a remainder below 62
pub fn unpack_code(number: u64) -> Option<[u8; CODE_BYTES]> {
    let mut code = [0; CODE_BYTES];
    let mut rest = number;
    for byte in code.iter_mut().rev() {
        *byte = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    (rest == 0).then_some(code)
}

/// True for 1–64 bytes of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_alias(text: &[u8]) -> bool {
    (1..=MAX_ALIAS_BYTES).contains(&text.len()) && text.iter().all(|&byte| is_alias_byte(byte))
}

/// True for a byte that codes and aliases are made of.
#[must_use]
#[inline]
pub fn is_alias_byte(byte: u8) -> bool {
    ALIAS_BYTES[usize::from(byte)]
}

static ALIAS_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packed_codes_sort_as_their_texts_do() {
        assert_eq!(pack_code(b"0000000"), Some(0));
        assert_eq!(pack_code(b"0000010"), Some(62));
        assert_eq!(pack_code(b"zzzzzzz"), Some(CODES - 1));
        assert!(pack_code(b"000000Z") < pack_code(b"000000a"));
    }

    #[test]
    fn only_seven_letters_and_digits_are_packed() {
        for text in [&b""[..], b"abc", b"abcdefgh", b"abc-efg", b"abc_efg", b"abc\0efg"] {
            assert_eq!(pack_code(text), None);
        }
        assert_eq!(unpack_code(CODES), None);
        assert_eq!(unpack_code(u64::MAX), None);
    }

    #[test]
    fn an_alias_is_1_to_64_safe_characters() {
        assert!(is_alias(b"a"));
        assert!(is_alias(b"Spring-sale_2"));
        assert!(is_alias(&[b'x'; 64]));
        for text in [&b""[..], &[b'x'; 65], b"a b", b"a/b", b"\xc3\xa4", b"a\n"] {
            assert!(!is_alias(text));
        }
    }

    proptest! {
        #[test]
        fn a_code_comes_back_from_its_number(code in "[0-9A-Za-z]{7}") {
            let number = pack_code(code.as_bytes());
            prop_assert_eq!(number.and_then(unpack_code).map(Vec::from), Some(code.into_bytes()));
        }

        #[test]
        fn a_number_comes_back_from_its_code(number in 0..CODES) {
            prop_assert_eq!(unpack_code(number).and_then(|code| pack_code(&code)), Some(number));
        }
    }
}
