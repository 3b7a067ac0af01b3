//! How long it takes to find the subscriptions for a message, and to read and write one.
//!
//! ```text
//! cargo bench --profile dist -p farwire-benches
//! ```

use divan::{Bencher, black_box};
use farwire_core::lcm::Message;
use farwire_core::lcm::geometry_msgs::TwistStamped;
use farwire_core::lcm::sensor_msgs::{Image, LaserScan};
use farwire_tests::busy_channel;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench]
fn demux_twist_stamped_8_types_16_subscriptions(bencher: Bencher<'_, '_>) {
    let (demux, bytes) = (busy_channel::demux(), busy_channel::twist_stamped());
    bencher.bench_local(|| {
        let receivers = black_box(&*demux).receivers(busy_channel::CHANNEL, black_box(&bytes));
        receivers.map_or(0, |all| all.map(|subscription| u64::from(black_box(subscription))).sum())
    });
}

#[divan::bench]
fn decode_twist_stamped(bencher: Bencher<'_, '_>) {
    let bytes = busy_channel::twist_stamped();
    bencher.bench_local(|| TwistStamped::decode(black_box(&bytes)));
}

#[divan::bench]
fn encode_twist_stamped(bencher: Bencher<'_, '_>) {
    let message = TwistStamped::decode(&busy_channel::twist_stamped()).expect("it is one");
    let mut buffer = [0; 128];
    bencher.bench_local(|| black_box(&message).encode(black_box(&mut buffer)).map_err(drop));
}

#[divan::bench]
fn decode_scan_of_1080_ranges(bencher: Bencher<'_, '_>) {
    let scan = LaserScan { ranges: vec![1.5; 1080], ..Default::default() };
    let bytes = scan.to_bytes().expect("it has an encoding");
    bencher.bench_local(|| LaserScan::decode(black_box(&bytes)));
}

#[divan::bench]
fn decode_image_of_900_kb(bencher: Bencher<'_, '_>) {
    let image = Image { data: vec![7; 640 * 480 * 3], ..Default::default() };
    let bytes = image.to_bytes().expect("it has an encoding");
    bencher.bench_local(|| Image::decode(black_box(&bytes)));
}
