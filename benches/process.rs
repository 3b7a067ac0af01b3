//! What a process costs, as Linux counts it.

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// CPU time of all threads of a process so far.
pub(crate) fn cpu(process: u32) -> Outcome<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += schedstat.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// Resident bytes of a process.
pub(crate) fn memory(process: u32) -> Outcome<u64> {
    let statm = fs::read_to_string(format!("/proc/{process}/statm"))?;
    Ok(statm.split(' ').nth(1).ok_or("no such field")?.parse::<u64>()? * 4096)
}
