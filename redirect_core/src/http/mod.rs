//! What the edge accepts and answers, as docs/http.md states it: bytes in, verdicts and bytes out.

mod addresses;
mod answers;
mod fields;
mod framing;
mod head;
mod line;
mod location;
mod replies;

pub use addresses::{ClientAddresses, Network, parse_address};
pub use answers::{Answer, STATUSES, status_index};
pub use fields::Fields;
pub use framing::{Early, Found, HeadFinder};
pub use head::{Judged, Persistence, Request, is_target_byte, judge};
pub use line::Line;
pub use location::write_with_query;
pub use replies::{DEFAULT_CACHE_CONTROL, REDIRECT_STATUSES, ReplyStarts};

/// A request line may have so many bytes.
pub const MAX_REQUEST_LINE_BYTES: usize = 2 * 1024;
/// A head may have so many bytes: nginx in front refuses longer heads already.
pub const MAX_HEAD_BYTES: usize = 8 * 1024;
/// A head may have so many fields.
pub const MAX_FIELDS: usize = 64;
