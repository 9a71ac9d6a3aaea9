//! A visitor's query, added to the target of a link that forwards it.

/// Write `target` with `query` behind its own query and before its fragment; an empty one adds nothing.
pub fn write_with_query(target: &[u8], query: &[u8], out: &mut Vec<u8>) {
    if query.is_empty() {
        out.extend_from_slice(target);
        return;
    }
    let (base, fragment) = target.split_at(memchr::memchr(b'#', target).unwrap_or(target.len()));
    out.extend_from_slice(base);
    if memchr::memchr(b'?', base).is_none() {
        out.push(b'?');
    } else if !base.ends_with(b"?") && !base.ends_with(b"&") {
        out.push(b'&');
    }
    out.extend_from_slice(query);
    out.extend_from_slice(fragment);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_goes_behind_the_targets_own_and_before_its_fragment() {
        for (target, query, expected) in [
            ("http://e/", "", "http://e/"),
            ("http://e/", "a=b", "http://e/?a=b"),
            ("http://e/?c", "a", "http://e/?c&a"),
            ("http://e/?", "a", "http://e/?a"),
            ("http://e/?c&", "a", "http://e/?c&a"),
            ("http://e/#f?g", "a", "http://e/?a#f?g"),
        ] {
            let mut out = Vec::new();
            write_with_query(target.as_bytes(), query.as_bytes(), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
