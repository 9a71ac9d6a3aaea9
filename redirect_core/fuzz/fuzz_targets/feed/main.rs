//! Any bytes, in any reads, with anything happening between them: the engine's replies stay well-formed and complete,
//! every redirect is a click, and how the bytes were cut changes nothing.
#![no_main]

mod node;
mod replies;
mod script;
mod spool;

use libfuzzer_sys::fuzz_target;

use node::Node;
use script::{Script, Step};

fuzz_target!(|data: &[u8]| {
    let Some(script) = Script::parse(data) else {
        return;
    };
    let pieces = play(&script, &script.steps);
    if script.has_only_reads() {
        assert_eq!(pieces, play(&script, &[]), "it matters how the bytes were cut");
    }
});

/// All replies to the script's bytes, cut as `steps` say and the rest given whole, until the connection is closed.
fn play(script: &Script<'_>, steps: &[Step]) -> Vec<u8> {
    let mut node = Node::new(script);
    let mut rest = script.bytes;
    for &step in steps {
        let (read, after) = rest.split_at(if let Step::Read(bytes) = step { bytes.min(rest.len()) } else { 0 });
        rest = after;
        node.step(step, read);
    }
    node.step(Step::Read(rest.len()), rest);
    node.finish()
}
