use super::*;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 9], port))
}

fn check(id: u32, priority: u32) -> Check<'static> {
    let mut transaction = [0; 12];
    transaction[..4].copy_from_slice(&id.to_be_bytes());
    Check { receiver: "u", transaction, priority }
}

/// A client that checks from a port; the check is genuine.
fn comes(paths: &mut Paths, now: Instant, port: u16, check: &Check<'_>) -> Admission {
    let admission = paths.admit(now, address(port), check);
    if admission == Admission::Admitted {
        paths.checked(now, address(port), check);
    }
    admission
}

#[test]
fn priority_first_then_the_latest_check_then_what_was_before() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut paths = Paths::new(start);
    assert_eq!(paths.best(start), None);
    comes(&mut paths, at(0), 1, &check(1, 100));
    comes(&mut paths, at(10), 2, &check(2, 100));
    assert_eq!(paths.best(at(10)), Some(address(2)), "the later of equals");
    comes(&mut paths, at(20), 3, &check(3, 50));
    assert_eq!(paths.best(at(20)), Some(address(2)), "a lower priority does not win by being later");
    comes(&mut paths, at(30), 1, &check(4, 100));
    assert_eq!(paths.best(at(30)), Some(address(1)), "and back");
    comes(&mut paths, at(2500), 3, &check(5, 50));
    assert_eq!(paths.best(at(2529)), Some(address(1)));
    assert_eq!(paths.best(at(2530)), Some(address(3)), "the others were silent");
    assert_eq!(paths.best(at(60_000)), Some(address(3)), "nothing else is there");
}

#[test]
fn what_was_seen_before_moves_nothing() {
    let start = Instant::now();
    let mut paths = Paths::new(start);
    comes(&mut paths, start, 1, &check(1, 100));
    assert_eq!(comes(&mut paths, start, 2, &check(1, 100)), Admission::Replayed);
    for _ in 1..REPEATS {
        assert_eq!(comes(&mut paths, start, 1, &check(1, 100)), Admission::Admitted, "it repeats itself");
    }
    assert_eq!(comes(&mut paths, start, 1, &check(1, 100)), Admission::Replayed);
    comes(&mut paths, start, 2, &check(2, 100));
    comes(&mut paths, start, 1, &check(3, 100));
    comes(&mut paths, start, 2, &check(2, 100));
    assert_eq!(paths.best(start), Some(address(1)), "a repetition is not the latest");
}

#[test]
fn memory_and_work_are_bounded_and_a_known_address_is_not_crowded_out() {
    let start = Instant::now();
    let mut paths = Paths::new(start);
    let mut now = start;
    let (mut verified, mut gave_way) = (0, 0);
    comes(&mut paths, now, 1, &check(0, 100));
    for id in 1..20_000u32 {
        now += Duration::from_millis(1);
        let source = address(2 + (id % 30_000) as u16);
        if paths.admit(now, source, &check(id, 1)) == Admission::Admitted {
            verified += 1;
            gave_way += usize::from(paths.checked(now, source, &check(id, 1)).is_some());
        }
        if id % 1000 == 0 {
            assert_eq!(comes(&mut paths, now, 1, &check(1 << 20 | id, 100)), Admission::Admitted);
        }
        assert_eq!(paths.best(now), Some(address(1)));
    }
    assert!(verified <= 64 + 2, "{verified} new addresses in 20 s");
    assert!(paths.paths.len() <= MAX_ADDRESSES && paths.seen.len() <= REMEMBERED && gave_way > 0);
    for id in 0..1000 {
        // Nothing of these is genuine.
        paths.admit(now, address(60_000), &check(1 << 30 | id, 1));
    }
    assert_eq!(comes(&mut paths, now, 1, &check(u32::MAX, 100)), Admission::Admitted);
}

/// Whatever moves, with checks once a second, data goes to where the client is within little more than that.
#[test]
fn follows_any_walk_within_the_interval_of_checks() {
    for seed in 0..200u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let start = Instant::now();
        let (mut paths, mut now, mut port) = (Paths::new(start), start, 1);
        for id in 0..300 {
            if random(4) == 0 {
                port = 1 + random(5) as u16;
            }
            now += Duration::from_millis(500 + random(600));
            comes(&mut paths, now, port, &check(id, 100));
            let later = now + Duration::from_millis(random(3000));
            assert_eq!(paths.best(later), Some(address(port)), "seed {seed}");
        }
    }
}
