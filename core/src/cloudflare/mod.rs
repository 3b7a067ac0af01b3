//! Cloudflare Realtime's DataChannel API: its JSON, its errors, and one session's life.
//!
//! Source: Cloudflare's public API reference of the Realtime SFU, read 2026-08.

pub mod api;
mod call;
mod object;
mod session;

pub(crate) use self::session::CloudflareSession;
pub use call::{Api, ApiError, read, refused};
