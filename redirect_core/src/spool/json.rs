//! JSON as far as events need it (RFC 8259): strings and whole numbers.

const HEX: [u8; 16] = *b"0123456789abcdef";
const MAX_DIGITS: usize = 20; // of 2⁶⁴

/// Append a text in quotes; what is no UTF-8 is replaced by U+FFFD.
pub fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in String::from_utf8_lossy(text).bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Append a number.
#[inline]
#[allow(clippy::cast_possible_truncation)] // a digit
pub fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; MAX_DIGITS];
    let mut at = MAX_DIGITS;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_reserves_is_escaped_and_what_is_no_utf_8_replaced() {
        let mut out = Vec::new();
        push_string(&mut out, b"a\"\\\x00\x1f\x7f\xff\xc3\xa4</script>");
        let expected = "\"a\\\"\\\\\\u0000\\u001f\x7f\u{fffd}ä</script>\"";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn numbers_are_whole_from_0_to_the_greatest() {
        for number in [0, 9, 10, 1_700_049_600_000, u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
