//! A short-link service as one writes it in Rust, on axum, fred and sqlx: edge302 is compared with it.
//!
//! Run as `redirect_rs --port N --redis-port N --store FILE --cache on|off --padding TEXT`. The store is a links
//! database of edge302; every redirect carries the padding, so that all servers compared reply with as many bytes.

mod arguments;
mod clicks;
mod links;

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use fred::prelude::{Builder, Client, ClientLike, Config};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;
use crate::clicks::Clicks;
use crate::links::Links;

/// An eighth of a request's cost less than with the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PADDING: HeaderName = HeaderName::from_static("x-padding");

/// What all requests share.
struct Service {
    links: Links,
    clicks: Clicks,
    padding: HeaderValue,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    // One worker thread, as the other servers have; sqlx reads on a thread of its own.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(arguments))
}

/// Serve until SIGTERM; requests under way are answered then, and their clicks stored.
async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let redis = connect(arguments.redis_port).await?;
    let service = Arc::new(Service {
        links: Links::open(redis.clone(), &arguments.store, arguments.cache).await?,
        clicks: Clicks::new(redis),
        padding: HeaderValue::from_str(&arguments.padding)?,
    });
    let flushed = Arc::clone(&service);
    tokio::spawn(async move { flushed.clicks.flush_every_second().await });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?.tap_io(|connection| {
        // Without it a reply waits for the client's acknowledgement; a connection already closed has no use for it.
        let _ = connection.set_nodelay(true);
    });
    let routes = Router::new().route("/{code}", get(redirect)).with_state(Arc::clone(&service));
    let mut terminated = signal(SignalKind::terminate())?;
    axum::serve(listener, routes).with_graceful_shutdown(async move { _ = terminated.recv().await }).await?;
    service.clicks.flush().await;
    Ok(())
}

async fn connect(port: u16) -> Result<Client, fred::error::Error> {
    let config = Config::from_url(&format!("redis://{}:{port}", Ipv4Addr::LOCALHOST))?;
    let client = Builder::from_config(config)
        .with_connection_config(|connection| connection.tcp.nodelay = Some(true))
        .build()?;
    client.init().await?;
    Ok(client)
}

async fn redirect(State(service): State<Arc<Service>>, Path(code): Path<String>) -> Response {
    match service.links.target(&code).await {
        Ok(Some(target)) => {
            service.clicks.count(&code);
            let fields = [(header::LOCATION, target), (PADDING, service.padding.clone())];
            (StatusCode::FOUND, fields).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
