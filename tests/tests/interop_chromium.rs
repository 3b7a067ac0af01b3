//! Cloudflare's browser recipe, in headless Chromium, with farwire's SFU in place of Cloudflare's.
//!
//! `FARWIRE_CHROMIUM` names the browser, when it is not `chromium`.

mod script;

use std::time::Duration;

#[test]
#[ignore = "needs Chromium: apt-get install chromium"]
fn a_page_follows_cloudflares_recipe() {
    script::passes("chromium_page.py", Duration::from_secs(180));
}
