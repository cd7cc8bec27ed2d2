//! The recipes of `docs/recipes.md` are what they say they are: Python, shell, YAML, units.

use std::io::Write;
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{path_with_promproc, python};

const RECIPES: &str = include_str!("../../docs/recipes.md");

/// The block of the recipes that has that line first or, of a script, second.
pub(crate) fn recipe(first_line: &str) -> String {
    let start = format!("\n{first_line}\n");
    let (_, rest) = RECIPES.split_once(&start).unwrap_or_else(|| panic!("a recipe has {first_line:?}"));
    let (block, _) = rest.split_once("\n```").unwrap();
    format!("{first_line}\n{block}\n")
}

/// All blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("\n```{language}\n");
    RECIPES.split(&start).skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect()
}

/// What a program prints that reads the text, and must not fail on it.
#[track_caller]
fn fed(mut command: Command, text: &str) -> String {
    let mut program =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    program.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}\n{text}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn scripts_are_shell() {
    let scripts = blocks("sh");
    assert!(scripts.len() >= 5);
    for script in scripts {
        let mut shell = Command::new("sh");
        shell.arg("-n");
        fed(shell, script);
    }
}

#[test]
fn commands_have_options_that_exist() {
    let command = Regex::new(r"promproc (?:clean|prune|merge|check|explain)\b[^>|&;\n]*").unwrap();
    let texts = ["sh", "ini", "yaml"].map(blocks).concat();
    let commands: Vec<_> = texts.iter().flat_map(|text| command.find_iter(text)).collect();
    assert!(commands.len() >= 12, "{commands:?}");
    for command in commands {
        // Help instead of work, but not instead of an error.
        let script = format!("{} --help", command.as_str());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .env("PATH", path_with_promproc())
            .env("PROMETHEUS_MULTIPROC_DIR", "metrics");
        fed(shell, "");
    }
}

#[test]
fn modules_are_python_and_units_have_sections() {
    let Some(python) = python() else { return };
    let parse_module = "import ast, sys; ast.parse(sys.stdin.read())";
    let parse_unit = "import configparser, sys\n\
                      parser = configparser.ConfigParser(interpolation=None)\n\
                      parser.read_string(sys.stdin.read())\n\
                      assert all(parser[section] for section in parser.sections())";
    for (language, program) in [("python", parse_module), ("ini", parse_unit)] {
        let texts = blocks(language);
        assert!(texts.len() >= 4, "{language}");
        for text in texts {
            let mut parser = Command::new(python.interpreter());
            parser.args(["-c", program]);
            fed(parser, text);
        }
    }
}

#[test]
fn containers_have_directories_of_their_own_and_the_sidecar_is_like_the_service() {
    let Some(python) = python() else { return };
    let parsed = |text| -> Value {
        let mut parser = Command::new(python.interpreter());
        parser.args(["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"]);
        serde_json::from_str(&fed(parser, text)).unwrap()
    };
    let documents: Vec<Value> = blocks("yaml").into_iter().map(parsed).collect();
    let [services, pod, rules] = &documents[..] else { panic!("services, a pod and rules: {documents:?}") };
    let directories = services["services"].as_object().unwrap().values().map(|service| {
        assert_eq!(service["volumes"], json!(["metrics:/metrics"]), "an anchor has all but the directory");
        service["environment"]["PROMETHEUS_MULTIPROC_DIR"].as_str().unwrap()
    });
    assert_eq!(directories.collect::<Vec<_>>(), ["/metrics/web-1", "/metrics/web-2"]);
    let alert = rules["groups"][0]["rules"][0]["expr"].as_str().unwrap();
    assert!(alert.starts_with("promproc_findings{"), "{alert}");
    assert_eq!((&pod["apiVersion"], &pod["kind"]), (&json!("v1"), &json!("Pod")));
    let spec = &pod["spec"];
    assert_eq!(spec["shareProcessNamespace"], json!(true));
    assert!(spec["securityContext"]["runAsUser"].as_u64().is_some_and(|user| user > 0));
    let [volume] = &spec["volumes"].as_array().unwrap()[..] else { panic!("one volume: {spec}") };
    assert_eq!(volume["emptyDir"]["medium"], json!("Memory"));
    let [service, sidecar] = &spec["containers"].as_array().unwrap()[..] else { panic!("two: {spec}") };
    for container in [service, sidecar] {
        // The user is the pod's.
        assert_eq!(container.get("securityContext"), None);
        let mount = &container["volumeMounts"][0];
        assert_eq!(mount["name"], volume["name"]);
        assert_eq!(container["env"][0]["name"], json!("PROMETHEUS_MULTIPROC_DIR"));
        let directory = container["env"][0]["value"].as_str().unwrap();
        assert!(directory.starts_with(mount["mountPath"].as_str().unwrap()));
    }
    assert_eq!((&service["env"], &service["image"]), (&sidecar["env"], &sidecar["image"]));
    assert!(sidecar["command"][2].as_str().unwrap().contains("promproc prune"));
}
