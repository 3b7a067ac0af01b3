//! Cloudflare Realtime's DataChannel API: its calls, its errors, and one session's life. Its JSON is in
//! `wire/cloudflare.rs`.

mod body;
mod call;
mod session;

pub use self::body::{Body, BodyKind};
pub use self::call::{Api, ApiError, read, refused};
pub(crate) use self::session::CloudflareSession;
