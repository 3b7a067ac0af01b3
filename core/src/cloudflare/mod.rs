//! Cloudflare Realtime's DataChannel API: its JSON, its errors, and one session's life.
//!
//! Source: Cloudflare's public API reference of the Realtime SFU, read 2026-08.

pub mod api;
mod body;
mod call;
mod object;
mod session;

pub use self::body::{Body, BodyKind};
pub use self::call::{Api, ApiError, read, refused};
pub(crate) use self::session::CloudflareSession;
