//! Open-loop HTTP/1.1 load at a fixed rate from one thread; `bench/openloop.py` runs it.

mod arguments;
mod client;
mod framing;
mod hold;
mod load;
mod poll;
mod report;
mod requests;
mod schedule;
mod slow;
mod sockets;

use std::error::Error;
use std::process::ExitCode;

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::arguments::{Command, parse};

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).map_err(Into::into).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("edge302_load: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    // Connections are held until we are killed: also when whoever would do that was killed before.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    match command {
        Command::Run(run) => println!("{}", load::run(&run)?.to_json()),
        Command::Idle(idle) => hold::idle(&idle)?,
    }
    Ok(())
}
