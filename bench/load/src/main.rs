//! Open-loop HTTP/1.1 load at a fixed rate from one thread; `bench/openloop.py` runs it.

mod arguments;
mod client;
mod framing;
mod load;
mod poll;
mod report;
mod requests;
mod schedule;
mod slow;
mod sockets;

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("edge302_load: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let run = arguments::parse(std::env::args().skip(1))?;
    sockets::allow_many()?;
    Ok(load::run(&run)?.to_json())
}
