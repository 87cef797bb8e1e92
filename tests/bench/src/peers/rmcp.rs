//! The official SDK's native tool, at its fastest honest setting: stateless, plain JSON answers, and the tool router
//! built once (its macros alone would build it anew for each call).

use std::io;
use std::sync::Arc;

use axum::Router;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;

#[derive(Clone)]
struct Echo {
    router: Arc<ToolRouter<Echo>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct EchoArguments {
    /// What to say back.
    text: String,
}

#[tool_router]
impl Echo {
    #[tool(description = "Says the text back")]
    fn echo(&self, Parameters(EchoArguments { text }): Parameters<EchoArguments>) -> String {
        text
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Echo {}

/// Serves the peer until stdin closes.
pub(crate) async fn serve(port: u16) -> io::Result<()> {
    let echo = Echo { router: Arc::new(Echo::tool_router()) };
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let service =
        StreamableHttpService::new(move || Ok(echo.clone()), Arc::new(NeverSessionManager::default()), config);
    super::serve(Router::new().nest_service("/mcp", service), port).await
}
