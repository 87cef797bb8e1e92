//! A host that believes a provider, both on this machine, and people who have signed in.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{Answer, Era, Home, Mcp, Provider, Resource, Served, Tokens, loopback};

/// The scopes of plugins/notes.
const NOTES: [&str; 2] = ["notes:read", "notes:write"];
/// Where a host of this suite listens, on an address of its own.
const PORT: u16 = 8080;

/// What a host is to be that believes a provider.
#[derive(Debug)]
pub struct Setup {
    home: Home,
    provider: Provider,
    address: SocketAddr,
    /// The host of the URL that clients are given.
    name: String,
    four_eyes: bool,
    top: String,
    authentication: String,
    sections: String,
}

/// A provider, and a host that believes it.
#[derive(Debug)]
pub struct SignedIn {
    /// The host.
    pub served: Served,
    /// The provider.
    pub provider: Provider,
    /// The host's data directory and configuration.
    pub home: Home,
    /// What clients are given, which is the resource.
    pub url: String,
}

impl Setup {
    /// A host on `home` and a provider that has tokens for it.
    #[must_use]
    pub fn new(home: Home) -> Self {
        let address = SocketAddr::from((loopback(), PORT));
        let setup = Self {
            home,
            provider: Provider::start(),
            address,
            name: address.ip().to_string(),
            four_eyes: false,
            top: String::new(),
            // One suite has more tokens refused in a minute than anybody should; those that are about that say so.
            authentication: "failures = { per_source = 0, per_client = 0, alert = 0 }\n".to_owned(),
            sections: String::new(),
        };
        setup.provider.resource(Resource::new(&setup.url(), &NOTES));
        setup
    }

    /// What clients will be given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}/mcp", self.name, self.address.port())
    }

    /// The provider, before the host starts.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The data directory, before the host starts.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Clients are given a name, and no address: then the host's own ways out can reach it, too.
    #[must_use]
    pub fn on_localhost(mut self) -> Self {
        // The provider's is free by now, and so is likely the next one.
        let port = self.provider.port() + 1;
        (self.address, self.name) = (SocketAddr::from(([127, 0, 0, 1], port)), "localhost".to_owned());
        self.provider.resource(Resource::new(&self.url(), &NOTES));
        self.section(&format!("[[egress.private]]\nhost = \"localhost\"\nnet = \"127.0.0.1/32\"\nport = {port}\n"))
    }

    /// Approvers are others than publishers.
    #[must_use]
    pub fn four_eyes(mut self) -> Self {
        self.four_eyes = true;
        self
    }

    /// Further lines at the top of the configuration.
    #[must_use]
    pub fn top(mut self, lines: &str) -> Self {
        self.top += lines;
        self.top += "\n";
        self
    }

    /// Other lines in `[authentication]`.
    #[must_use]
    pub fn authentication(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.authentication);
        self
    }

    /// Further sections of the configuration.
    #[must_use]
    pub fn section(mut self, lines: &str) -> Self {
        self.sections += lines;
        self.sections += "\n";
        self
    }

    /// Starts the host.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn serve(self) -> SignedIn {
        let url = self.url();
        let Self { home, provider, address, four_eyes, top, authentication, sections, .. } = self;
        home.configure(format!(
            "four_eyes = {four_eyes}\npublic_url = {url:?}\nallowed_hosts = [\"{address}\"]\n{top}\n{}{sections}",
            provider.configuration(&authentication)
        ));
        let served = home.serve_at(address);
        SignedIn { served, provider, home, url }
    }
}

impl SignedIn {
    /// A host with plugins that ask for nothing else than notes.
    #[must_use]
    pub fn with<P: AsRef<std::path::Path>>(plugins: impl IntoIterator<Item = P>) -> Self {
        Setup::new(Home::copied(plugins)).serve()
    }

    /// `user` signs in for this host with a client of their own.
    #[must_use]
    pub fn tokens(&self, user: &str, scope: &str) -> Tokens {
        self.provider.sign_in(user, &self.url, scope)
    }

    /// The access token of that.
    #[must_use]
    pub fn token(&self, user: &str, scope: &str) -> String {
        self.tokens(user, scope).access
    }

    /// A client with a token.
    #[must_use]
    pub fn client(&self, token: &str) -> Mcp {
        self.served.client(Era::Modern).with_token(token)
    }

    /// What a request with a token is answered, whatever it is.
    ///
    /// # Panics
    /// When it is not answered.
    #[must_use]
    pub fn answer(&self, token: &str, method: &str, params: Value) -> Answer {
        self.client(token).send(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// What a call with a token is answered, whatever it is.
    #[must_use]
    pub fn call(&self, token: &str, tool: &str, arguments: Value) -> Answer {
        self.answer(token, "tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Stops the host and starts it again: it remembers no token and no key.
    ///
    /// # Panics
    /// When it does not stop or start.
    #[must_use]
    pub fn restarted(self) -> Self {
        let Self { served, provider, home, url } = self;
        let address = served.address;
        served.stop().is(0, &[]);
        Self { served: home.serve_at(address), provider, home, url }
    }
}
