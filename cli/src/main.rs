//! `farwire` on the command line: an SFU and a broker to run, a robot to drive, a demo to watch, topics to publish and
//! print, and a benchmark.

mod bench;
mod demo;
mod drive;
mod failure;
mod interrupt;
mod keys;
mod latency;
mod local_keys;
mod log;
mod message_type;
mod output;
mod pace;
mod payload;
mod private_dir;
mod publish;
mod rendezvous;
mod robot;
mod serve;
mod settings;
mod show;
mod state;
mod subscribe;
mod teleop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLE: &str = "\
Try it in three terminals, no settings needed:
  1$ farwire serve                 an SFU and a broker on this machine, until Ctrl-C
  2$ farwire robot                 a simulated robot
  3$ farwire drive                 drives it with the arrow keys
Or with topics of your own:
  2$ farwire pub odom              publishes ten messages a second on the topic `odom`
  3$ farwire sub odom              prints them
Or all at once:
   $ farwire demo

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Topics for robots over WebRTC DataChannels, through an SFU that speaks Cloudflare Realtime's API.
#[derive(Parser)]
#[command(name = "farwire", version, after_help = EXAMPLE, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Keys(keys::Args),
    Robot(robot::Args),
    Drive(drive::Args),
    Demo(demo::Args),
    #[command(name = "pub")]
    Publish(publish::Args),
    #[command(name = "sub")]
    Subscribe(subscribe::Args),
    Bench(bench::Args),
    #[command(hide = true)]
    BenchWorker(bench::WorkerArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Robot(args) => robot::run(&args),
        Command::Drive(args) => drive::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Subscribe(args) => subscribe::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchWorker(args) => bench::work(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
