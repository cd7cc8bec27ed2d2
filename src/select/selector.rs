//! Instant selectors of PromQL: `http_requests_total{method="GET",path=~"/api/.*"}`.
//!
//! The grammar is that of Prometheus 3 (`promql/parser`): four matchers, three kinds of string, and
//! names outside the legacy character set in quotes, the metric's inside the braces.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

use super::Candidate;

/// Conditions that select series. Displayed as it was given.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    matchers: Vec<Matcher>,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One condition on a label; `__name__` is the family's or the sample's name.
#[derive(Clone, Debug)]
struct Matcher {
    label: String,
    condition: Condition,
    is_negated: bool,
}

#[derive(Clone, Debug)]
enum Condition {
    Equal(String),
    /// The whole value matches.
    Regex(Regex),
}

/// The label that stands for the metric's name.
const NAME: &str = "__name__";

/// A text that is no instant selector. Displayed with the text and a mark under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    /// The text.
    selector: String,
    /// Where in it, in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.selector.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(f, "column {}: {}", self.column, self.message)?;
        writeln!(f, "  {shown}")?;
        write!(f, "  {:>column$}", '^', column = self.column)
    }
}

impl std::error::Error for SelectorError {}

impl FromStr for Selector {
    type Err = SelectorError;

    /// Parses an instant selector.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        parser.selector().map_err(|Wrong { at, message }| SelectorError {
            selector: text.to_owned(),
            column: text[..at].chars().count() + 1,
            message,
        })
    }
}

impl Selector {
    /// Whether a series is selected. Its name is the sample's or the family's: one of them must be what the
    /// selector wants, and none what it does not want.
    pub fn matches(&self, series: &Candidate<'_>) -> bool {
        let has_names = |name: &str| self.of_name(false).all(|matcher| matcher.matches(name));
        let names = series.names();
        names.iter().any(|name| has_names(name))
            && self.of_name(true).all(|matcher| names.iter().all(|name| matcher.matches(name)))
            && self
                .matchers
                .iter()
                .filter(|matcher| matcher.label != NAME)
                .all(|matcher| matcher.matches(series.label(&matcher.label)))
    }

    fn of_name(&self, is_negated: bool) -> impl Iterator<Item = &Matcher> {
        self.matchers.iter().filter(move |matcher| matcher.label == NAME && matcher.is_negated == is_negated)
    }

    /// The name that the series must have, if the selector says it outright.
    pub fn name(&self) -> Option<&str> {
        self.matchers.iter().find_map(|matcher| match &matcher.condition {
            Condition::Equal(name) if matcher.label == NAME && !matcher.is_negated => Some(name.as_str()),
            _ => None,
        })
    }

    /// The labels that it has conditions on, in their order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(|matcher| matcher.label.as_str()).filter(|label| *label != NAME)
    }

    /// Whether its conditions on a label, or on `__name__`, hold for that value.
    pub fn allows(&self, label: &str, value: &str) -> bool {
        self.matchers.iter().filter(|matcher| matcher.label == label).all(|matcher| matcher.matches(value))
    }
}

impl Matcher {
    fn matches(&self, value: &str) -> bool {
        let holds = match &self.condition {
            Condition::Equal(wanted) => wanted == value,
            Condition::Regex(regex) => regex.is_match(value),
        };
        holds != self.is_negated
    }
}

/// What is wrong, at which byte.
struct Wrong {
    at: usize,
    message: String,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Result<Selector, Wrong> {
        let mut matchers = Vec::new();
        self.skip_space();
        if let Some(name) = self.word(true) {
            matchers.push(Matcher::name(name.to_owned()));
            self.skip_space();
        }
        let has_name = !matchers.is_empty();
        if self.take("{") {
            self.matchers(&mut matchers)?;
        } else if !has_name {
            return Err(self.wrong("expected a metric name or {"));
        }
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self
                .wrong("expected the end: an instant selector has no range, offset, function or operator"));
        }
        let is_name = |matcher: &&Matcher| matcher.label == NAME && !matcher.is_negated;
        let names = matchers.iter().filter(is_name);
        if has_name && names.count() > 1 {
            return Err(Wrong { at: 0, message: "the metric's name is given twice".to_owned() });
        }
        if matchers.iter().all(|matcher| matcher.matches("")) {
            return Err(Wrong {
                at: 0,
                message: "it would select everything: at least one matcher must not match the empty string"
                    .to_owned(),
            });
        }
        Ok(Selector { text: self.text.trim().to_owned(), matchers })
    }

    /// What stands in braces.
    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<(), Wrong> {
        loop {
            self.skip_space();
            if self.take("}") {
                return Ok(());
            }
            matchers.push(self.matcher()?);
            self.skip_space();
            if !self.take(",") && !self.text[self.at..].starts_with('}') {
                return Err(self.wrong("expected , or }"));
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, Wrong> {
        let (label, is_quoted) = match self.word(false) {
            Some(word) => (word.to_owned(), false),
            None => (self.string("expected a label name or }")?, true),
        };
        self.skip_space();
        let (is_negated, is_regex) = match () {
            () if self.take("=~") => (false, true),
            () if self.take("!~") => (true, true),
            () if self.take("!=") => (true, false),
            () if self.take("=") => (false, false),
            () if is_quoted => return Ok(Matcher::name(label)),
            () => return Err(self.wrong("expected =, !=, =~ or !~")),
        };
        self.skip_space();
        let at = self.at;
        let value = self.string("expected a value in quotes")?;
        let condition = if is_regex {
            // Alone first: what closes the group must not be closed by ours.
            let regex = Regex::new(&value).and_then(|_| Regex::new(&format!("^(?s:{value})$")));
            Condition::Regex(regex.map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Wrong { at, message: format!("no regular expression: {reason}") }
            })?)
        } else {
            Condition::Equal(value)
        };
        Ok(Matcher { label, condition, is_negated })
    }

    /// A name of the legacy character set.
    fn word(&mut self, has_colons: bool) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || has_colons && c == ':';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        Some(word)
    }

    /// A string in any of the three quotes, as Go has them.
    fn string(&mut self, expected: &str) -> Result<String, Wrong> {
        let start = self.at;
        let quote = match self.next() {
            Some(quote @ ('"' | '\'' | '`')) => quote,
            _ => {
                self.at = start;
                return Err(self.wrong(expected));
            }
        };
        let unclosed = || Wrong { at: start, message: format!("no closing {quote}") };
        let mut value = Vec::new();
        loop {
            match self.next().ok_or_else(unclosed)? {
                c if c == quote => break,
                '\n' if quote != '`' => return Err(unclosed()),
                '\\' if quote != '`' => self.escape(quote, &mut value)?,
                c => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        String::from_utf8(value)
            .map_err(|_| Wrong { at: start, message: "the escapes give no UTF-8".to_owned() })
    }

    fn escape(&mut self, quote: char, value: &mut Vec<u8>) -> Result<(), Wrong> {
        let at = self.at - 1;
        let wrong = || Wrong { at, message: "no escape sequence".to_owned() };
        let escaped = self.next().ok_or_else(wrong)?;
        let mut code = |first: Option<char>, digits: usize, radix| {
            let mut code = first.and_then(|c| c.to_digit(radix)).unwrap_or_default();
            for _ in 0..digits {
                let digit = self.next().and_then(|c| c.to_digit(radix));
                code = code * radix + digit.ok_or_else(wrong)?;
            }
            Ok(code)
        };
        let byte = |code: u32| u8::try_from(code).map_err(|_| wrong());
        value.push(match escaped {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            c if c == quote => byte(c.into())?,
            'x' => byte(code(None, 2, 16)?)?,
            c @ '0'..='7' => byte(code(Some(c), 2, 8)?)?,
            c @ ('u' | 'U') => {
                let code = code(None, if c == 'u' { 4 } else { 8 }, 16)?;
                let c = char::from_u32(code).ok_or_else(wrong)?;
                value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(wrong()),
        });
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let next = self.text[self.at..].chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, token: &str) -> bool {
        let is_next = self.text[self.at..].starts_with(token);
        self.at += if is_next { token.len() } else { 0 };
        is_next
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn wrong(&self, message: &str) -> Wrong {
        Wrong { at: self.at, message: message.to_owned() }
    }
}

impl Matcher {
    fn name(name: String) -> Self {
        Self { label: NAME.to_owned(), condition: Condition::Equal(name), is_negated: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Labels;

    fn matches(selector: &str, name: &str, labels: &[(&str, &str)]) -> bool {
        let selector = selector.parse::<Selector>().unwrap_or_else(|error| panic!("{error}"));
        let labels = Labels::new(labels.iter().copied());
        selector.matches(&Candidate { family: name, sample: name, labels: &labels, le: None })
    }

    #[test]
    fn the_name_is_the_samples_or_the_familys() {
        for (selector, expected) in [
            ("h", true),
            ("h_bucket", true),
            ("h_count", false),
            (r#"h{le="0.5"}"#, true),
            (r#"h{le=""}"#, false),
            (r#"{__name__=~"h|g"}"#, true),
            (r#"{__name__!="h", le="0.5"}"#, false),
            (r#"{__name__!="h_bucket", le="0.5"}"#, false),
            (r#"{__name__!="h_count", le="0.5"}"#, true),
            (r#"{__name__=~"h.*", __name__!~".*_bucket"}"#, false),
            (r#"{__name__=~"h.*", __name__!~".*_sum"}"#, true),
        ] {
            let parsed = selector.parse::<Selector>().unwrap_or_else(|error| panic!("{error}"));
            let labels = Labels::default();
            let bucket = Candidate { family: "h", sample: "h_bucket", labels: &labels, le: Some("0.5") };
            assert_eq!(parsed.matches(&bucket), expected, "{selector}");
        }
    }

    #[test]
    fn the_four_matchers_as_prometheus_has_them() {
        let labels = &[("method", "GET"), ("path", "/api/users")];
        for (selector, expected) in [
            ("m", true),
            ("n", false),
            ("m{}", true),
            (r#" m { method = "GET" , } "#, true),
            (r#"m{method="get"}"#, false),
            (r#"m{method!="get"}"#, true),
            (r#"m{path=~"/api/.*"}"#, true),
            (r#"m{path=~"/api"}"#, false),
            (r#"m{path=~"x|/api/.*|y"}"#, true),
            (r#"m{path!~"/api"}"#, true),
            (r#"m{absent=""}"#, true),
            (r#"m{absent!=""}"#, false),
            (r#"m{absent=~"x|"}"#, true),
            (r#"{__name__=~"m|n"}"#, true),
            (r#"{"m"}"#, true),
            (r#"{"m", "method"="GET"}"#, true),
            (r#"{method='GET'}"#, true),
            (r#"{method=`GET`}"#, true),
        ] {
            assert_eq!(matches(selector, "m", labels), expected, "{selector}");
        }
        assert!(matches(r#"{"größe.x", "länge"="ü\n\x41\u00e9\101"}"#, "größe.x", &[("länge", "ü\nAéA")]));
        assert!(matches(r"m{a=`\n`}", "m", &[("a", "\\n")]));
        assert!(matches(r#"m{a=~"a.b"}"#, "m", &[("a", "a\nb")]), "a dot is any character, as in Prometheus");
        assert!(matches("job:rate:sum", "job:rate:sum", &[]));
    }

    #[test]
    fn an_error_names_the_column() {
        for (selector, column, message) in [
            ("", 1, "expected a metric name or {"),
            ("{}", 1, "it would select everything"),
            (r#"{a=~".*"}"#, 1, "it would select everything"),
            ("m{method}", 9, "expected =, !=, =~ or !~"),
            ("m{ü=\"x\"}", 3, "expected a label name or }"),
            ("m{method=GET}", 10, "expected a value in quotes"),
            ("m{method=\"GET}", 10, "no closing \""),
            ("m{method=\"GET\" path=\"/\"}", 16, "expected , or }"),
            ("m{method=\"GET\"", 15, "expected , or }"),
            ("m{\"é\"=\"\\q\"}", 8, "no escape sequence"),
            ("m{a=~\"(\"}", 6, "no regular expression: unclosed group"),
            ("m{a=~\"x)|(y\"}", 6, "no regular expression: unopened group"),
            ("m[5m]", 2, "expected the end"),
            ("rate(m)", 5, "expected the end"),
            ("m{\"n\"}", 1, "the metric's name is given twice"),
            ("7m", 1, "expected a metric name or {"),
        ] {
            let error = selector.parse::<Selector>().map(|_| ()).expect_err(selector);
            assert_eq!(error.column, column, "{selector}: {error}");
            assert!(error.message.starts_with(message), "{selector}: {error}");
        }
        let error = "m{a}".parse::<Selector>().map(|_| ()).expect_err("no operator");
        assert_eq!(error.to_string(), "column 4: expected =, !=, =~ or !~\n  m{a}\n     ^");
    }
}
