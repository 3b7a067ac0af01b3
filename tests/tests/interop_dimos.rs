//! DimOS from PyPI, unmodified, with farwire's SFU in place of Cloudflare's.

mod script;

use std::time::Duration;

#[test]
#[ignore = "needs DimOS from PyPI: see tests/script/mod.rs"]
fn dimos_passes_its_own_grid() {
    script::passes("dimos_grid.py", Duration::from_secs(120));
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/script/mod.rs"]
fn a_robot_of_dimos_meets_operators() {
    script::passes("dimos_robot.py", Duration::from_secs(90));
}
