# The commands of CONTRIBUTING.md, for those who have `just`. Without it, they are what stands here.

# What there is.
default:
    @just --list

# What a change is tried with while it is made.
test *arguments:
    cargo test --workspace {{arguments}}

# Format and lints, as CI wants them.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

# All that must hold before a change lands.
ci:
    .ci/run

# A robot and an operator through an SFU, on this machine.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Latency and throughput through an SFU on this machine.
bench *arguments:
    cargo run --profile dist -- bench {{arguments}}

# How long it takes to find the subscriptions for a message, and to read and write one.
bench-demux:
    cargo bench --profile dist -p farwire-benches

# The blocking driver alone: first, flood, ping, crowd or idle.
bench-loopback *arguments:
    cargo run --profile dist -p farwire-benches --bin loopback -- {{arguments}}

# What an SFU costs: fan-out, idle or churn, and numbers.
bench-sfu *arguments:
    cargo run --profile dist -p farwire-benches --bin sfu_load -- {{arguments}}

# Robots and operators through one `farwire serve`: how many, and for how many seconds.
bench-teleop robots='200' seconds='20':
    cargo build --profile dist
    cargo run --profile dist -p farwire-benches --bin teleop_load -- target/dist/farwire {{robots}} {{seconds}}

# One fuzz target, for some seconds.
fuzz target seconds='60':
    RUSTC_BOOTSTRAP=1 cargo fuzz run -O --sanitizer none {{target}} -- -max_total_time={{seconds}}

# Writes api/ anew, after a change of the public API that is meant.
api:
    .ci/api --bless

# Every combination of features builds.
features:
    .ci/features

# What would be published builds by itself.
packages:
    .ci/packages

# Licenses, sources and second versions of what is below farwire.
deny:
    cargo deny check --hide-inclusion-graph bans licenses sources
