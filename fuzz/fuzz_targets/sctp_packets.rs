#![no_main]

use farwire_tests::fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sctp_packets(data));
