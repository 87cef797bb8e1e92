//! Every hostile token: a good one with one thing wrong.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::{
    issuer::RESOURCE,
    tokens::{Case, Factory, encoded, signed},
};

impl Factory<'_> {
    /// Every hostile token.
    pub(crate) fn hostile(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut case = |rule: &'static str, name: &str, token: String| {
            cases.push(Case { name: name.to_owned(), token, rule });
        };
        self.signatures(&mut case);
        self.forms(&mut case);
        self.headers(&mut case);
        self.every_claim(&mut case);
        self.audiences(&mut case);
        self.times(&mut case);
        self.uses(&mut case);
        cases
    }

    fn signatures(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        let (pem, der) = (self.rsa.pem.as_bytes(), self.rsa_der());
        for (name, secret) in
            [("PEM", pem), ("DER", &der), ("trimmed PEM", self.rsa.pem.trim().as_bytes()), ("nothing", b"")]
        {
            case(
                "algorithm",
                &format!("HS256 with the public key as {name}"),
                self.symmetric("HS256", &self.rsa.id, secret),
            );
            case(
                "signature",
                &format!("RS256 signed with {name} as HMAC"),
                self.symmetric("RS256", &self.rsa.id, secret),
            );
        }
        for algorithm in [
            "none", "None", "NONE", "nOnE", "", "HS384", "HS512", "rs256", "es256", "Es256", "EDDSA", "ES256 ",
            "ES256K", "ES512", "RS1",
        ] {
            let mut header = self.header(self.ec);
            header["alg"] = json!(algorithm);
            let token = signed(self.ec, &header.to_string(), &self.claims().to_string());
            case("algorithm", &format!("alg {algorithm:?} with a signature"), token.clone());
            let (message, _) = token.rsplit_once('.').unwrap();
            case("algorithm", &format!("alg {algorithm:?} without a signature"), format!("{message}."));
        }
        case("algorithm", "RS384, which is not listed", self.heading("alg", json!("RS384")));
        case("key", "RS256 and the name of an EC key", self.heading("alg", json!("RS256")));
        case("key", "PS256 and a key that is for RS256", {
            let mut header = self.header(self.rsa);
            header["alg"] = json!("PS256");
            signed(self.rsa, &header.to_string(), &self.claims().to_string())
        });
        case("key", "ES384 and a key on P-256", self.heading("alg", json!("ES384")));
        case("signature", "an empty signature", self.resigned(self.ec, ""));
        case("signature", "an ES256 signature of zeros", self.resigned(self.ec, &encoded([0; 64])));
        case("signature", "an RS256 signature of zeros", self.resigned(self.rsa, &encoded([0; 256])));
        case("signature", "an EdDSA signature of zeros", self.resigned(self.ed, &encoded([0; 64])));
        let good = self.good(self.ec);
        let (message, signature) = good.rsplit_once('.').unwrap();
        let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
        case("signature", "an ES256 signature in DER", self.resigned(self.ec, &encoded(der_signature(&raw))));
        case("signature", "a truncated signature", self.resigned(self.ec, &encoded(&raw[..63])));
        case("signature", "a longer signature", self.resigned(self.ec, &encoded([raw.as_slice(), &[0]].concat())));
        case("signature", "a signature with padding", format!("{message}.{}", URL_SAFE.encode(&raw)));
        case("signature", "somebody else's signature", {
            signed(self.foreign, &self.header(self.ec).to_string(), &self.claims().to_string())
        });
        let other = self.claiming("sub", json!("bob"));
        let claims = other.split('.').nth(1).unwrap();
        let header = good.split('.').next().unwrap();
        case("signature", "other claims under a good signature", format!("{header}.{claims}.{signature}"));
    }

    fn rsa_der(&self) -> Vec<u8> {
        let body: String = self.rsa.pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    }

    fn forms(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        let good = self.good(self.ec);
        let parts: Vec<&str> = good.split('.').collect();
        let [header, claims, signature] = parts[..] else { unreachable!() };
        case("token-form", "two parts", format!("{header}.{claims}"));
        case("token-form", "one part", header.to_owned());
        case("token-form", "a fourth part", format!("{good}.{signature}"));
        case("token-form", "a dot behind", format!("{good}."));
        case("token-header", "a dot before", format!(".{header}.{signature}"));
        case(
            "token-form",
            "five parts, as of an encrypted token",
            format!("{header}.{claims}.{claims}.{claims}.{signature}"),
        );
        case("scheme", "a second token behind a comma", format!("{good},{good}"));
        case("scheme", "a second token behind a blank", format!("{good} {good}"));
        case("scheme", "padding in the middle", format!("{header}=.{claims}.{signature}"));
        case("scheme", "a line break at the end", format!("{good}\n"));
        case("scheme", "a NUL at the end", format!("{good}\0"));
        case("token-length", "more than there is room for", self.claiming("pad", json!("a".repeat(8 << 10))));
        case(
            "token-form",
            "a header in standard base64",
            format!("{}.{claims}.{signature}", STANDARD.encode("{\"a\":\"??>>~~\"}").replace('=', "")),
        );
        case("claims", "a signed token inside", signed(self.ec, &self.header(self.ec).to_string(), &good));
        for (name, text) in [
            ("nothing", ""),
            ("a list", "[]"),
            ("null", "null"),
            ("a text", "\"alice\""),
            ("two objects", "{}{}"),
            ("a comment", "{}//"),
        ] {
            let header = self.header(self.ec).to_string();
            case("claims", &format!("claims that are {name}"), signed(self.ec, &header, text));
            case(
                "token-header",
                &format!("a header that is {name}"),
                signed(self.ec, text, &self.claims().to_string()),
            );
        }
        let whole = self.claims().to_string();
        let rest = &whole[1..];
        let header = self.header(self.ec).to_string();
        for twice in [r#""sub":"bob""#, r#""su\u0062":"bob""#, r#""aud":"x""#, r#""exp":1"#, r#""scope":"admin""#] {
            case(
                "claims",
                &format!("{twice} before the same claim"),
                signed(self.ec, &header, &format!("{{{twice},{rest}")),
            );
        }
        let double = format!(r#"{{"alg":"none",{}"#, &header[1..]);
        case("token-header", "alg written twice", signed(self.ec, &double, &whole));
        let nested = format!(r#"{{"deep":{}1{},{rest}"#, "[".repeat(40), "]".repeat(40));
        case("claims", "claims nested too deep", signed(self.ec, &header, &nested));
    }

    fn headers(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        let jwk = self.foreign.jwk();
        for (member, value) in [
            ("jku", json!(format!("{}/jwks", self.sink))),
            ("x5u", json!(format!("{}/cert", self.sink))),
            ("jwk", jwk),
            ("x5c", json!(["MIIB"])),
        ] {
            let mut header = self.header(self.ec);
            header[member] = value.clone();
            let token = signed(self.foreign, &header.to_string(), &self.claims().to_string());
            case("embedded-key", &format!("{member} of somebody else, signed by them"), token);
            case("embedded-key", &format!("{member} with a good signature"), self.heading(member, value));
        }
        for (member, value) in
            [("crit", json!(["exp"])), ("crit", json!([])), ("b64", json!(false)), ("b64", json!(true))]
        {
            case("critical", &format!("{member} {value}"), self.heading(member, value));
        }
        for kid in [
            "../../../../dev/null",
            "' OR 1=1 --",
            "http://169.254.169.254/",
            "unknown",
            "*",
            &self.ec.id.to_uppercase(),
            "|id",
        ] {
            case("key", &format!("kid {kid:?}"), self.heading("kid", json!(kid)));
        }
        for kid in [
            json!(""),
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("k".repeat(300)),
            json!(1),
            json!([self.ec.id]),
            Value::Null,
            json!({}),
        ] {
            case("key-id", &format!("kid {kid}"), self.heading("kid", kid));
        }
        case("token-length", "a kid of 10 KB", self.heading("kid", json!("k".repeat(10 << 10))));
        for typ in [
            json!("JWT"),
            json!("jwt"),
            json!("id+jwt"),
            json!("at+jwt "),
            json!("dpop+jwt"),
            json!("logout+jwt"),
            json!(["at+jwt"]),
            Value::Null,
            json!(""),
        ] {
            case("token-type", &format!("typ {typ}"), self.heading("typ", typ));
        }
        let mut header = self.header(self.ec);
        header.as_object_mut().unwrap().remove("typ");
        case("token-type", "no typ", signed(self.ec, &header.to_string(), &self.claims().to_string()));
        for alg in [json!(["ES256"]), json!(1), Value::Null, json!({"ES256": 1})] {
            case("algorithm", &format!("alg {alg}"), self.heading("alg", alg));
        }
    }

    fn every_claim(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        for claim in ["iss", "sub", "aud", "exp", "iat"] {
            case("claim-missing", &format!("no {claim}"), self.lacking(claim));
            for value in [Value::Null, json!({"a": 1}), json!(false)] {
                case("claim-form", &format!("{claim} {value}"), self.claiming(claim, value));
            }
        }
        for (claim, value) in [
            ("iss", json!([self.issuer])),
            ("iss", json!(1)),
            ("sub", json!("")),
            ("sub", json!(["alice"])),
            ("sub", json!(7)),
            ("sub", json!("a\u{0}")),
            ("sub", json!("a\r\nX: y")),
            ("sub", json!("a".repeat(256))),
            ("aud", json!(1)),
            ("aud", json!([RESOURCE, 1])),
            ("aud", json!([[RESOURCE]])),
            ("scope", json!(["notes:read"])),
            ("scope", json!(1)),
            ("scp", json!([1])),
            ("groups", json!("admins")),
            ("client_id", json!(["chat"])),
            ("jti", json!(1)),
            ("nbf", json!("now")),
        ] {
            case(
                "claim-form",
                &format!("{claim} {}", value.to_string().chars().take(20).collect::<String>()),
                self.claiming(claim, value),
            );
        }
    }

    fn audiences(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        for audience in [
            "https://tools.example.com/mcp/",
            "https://tools.example.com/MCP",
            "https://TOOLS.example.com/mcp",
            "https://tools.example.com:443/mcp",
            "https://tools.example.com:8443/mcp",
            "https://tools.example.com/mc",
            "https://tools.example.com/mcp2",
            "https://tools.example.com/admin",
            "https://tools.example.com",
            "https://tools.example.com.evil.example/mcp",
            "https://tools.example.com/mcp https://a.example",
            "mcp",
            "",
        ] {
            case("audience", &format!("aud {audience:?}"), self.claiming("aud", json!(audience)));
        }
        case("audience", "aud []", self.claiming("aud", json!([])));
        case(
            "audience-extra",
            "another audience besides",
            self.claiming("aud", json!([RESOURCE, "https://a.example"])),
        );
        for issuer in [format!("{}/", self.issuer), self.issuer.to_uppercase(), "https://evil.example".to_owned()] {
            case("issuer", &format!("iss {issuer}"), self.claiming("iss", json!(issuer)));
        }
    }

    fn times(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        case("expired", "exp a minute ago", self.claiming("exp", json!(self.now - 60)));
        case("expired", "exp 0", self.claiming("exp", json!(0)));
        case("lifetime", "exp in a hundred years", self.claiming("exp", json!(self.now + 3_153_600_000_u64)));
        case("lifetime", "exp at the end of time", self.claiming("exp", json!(u64::MAX)));
        case("not-yet", "iat in two minutes", self.claiming("iat", json!(self.now + 120)));
        case("not-yet", "nbf in two minutes", self.claiming("nbf", json!(self.now + 120)));
        case("lifetime", "iat long ago", self.claiming("iat", json!(self.now - 90_000)));
        for claim in ["exp", "iat", "nbf"] {
            for value in [
                json!(self.now as f64 + 10.5),
                json!(-1),
                json!((self.now + 10).to_string()),
                json!([self.now + 10]),
                json!(1e300),
            ] {
                case("claim-form", &format!("{claim} {value}"), self.claiming(claim, value));
            }
        }
    }

    fn uses(&self, case: &mut impl FnMut(&'static str, &str, String)) {
        case("bound", "cnf with a key's thumbprint", self.claiming("cnf", json!({"jkt": "abc"})));
        case("bound", "cnf with a certificate's thumbprint", self.claiming("cnf", json!({"x5t#S256": "abc"})));
        case("bound", "cnf null", self.claiming("cnf", Value::Null));
        for claim in ["nonce", "at_hash", "c_hash"] {
            case("token-use", &format!("an ID token by its {claim}"), self.claiming(claim, json!("x")));
        }
        case("token-use", "Keycloak's ID token", self.claiming("typ", json!("ID")));
        case("token-use", "Keycloak's refresh token", self.claiming("typ", json!("Refresh")));
        case("token-use", "Cognito's ID token", self.claiming("token_use", json!("id")));
    }
}

/// r and s as a DER sequence of two integers: what other protocols sign with.
fn der_signature(raw: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len() - 1);
        let mut content = number[start..].to_vec();
        if content[0] & 0x80 != 0 {
            content.insert(0, 0);
        }
        [&[2, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    };
    let (r, s) = raw.split_at(raw.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], both.as_slice()].concat()
}
