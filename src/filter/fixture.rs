//! Plans for tests: rules by name, a subject, small limits.

use std::sync::Arc;

use crate::filter::{Context, Limits, Plan};
use crate::policy::treatment::{
    Action, Class, DetectPlan, DetectRule, Exception, Grant, Treatment,
};
use crate::scan::{PatternSet, packs};
use crate::types::{Budget, Control, FingerprintKey, Level, Origin, Subject};

/// The moment at which every test runs.
pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

pub(crate) struct Fixture {
    set: PatternSet,
    rules: Vec<DetectRule>,
    pub(crate) treatment: Treatment,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    pub(crate) is_observing: bool,
}

impl Fixture {
    /// A public route without detectors, for Ann.
    pub(crate) fn new() -> Self {
        Self {
            set: PatternSet::new(),
            rules: Vec::new(),
            treatment: Treatment {
                origin: origin("GET /x"),
                records: None,
                request: None,
                rows: None,
                html: None,
                public: Some("a test".into()),
                read_as: None,
                content: Vec::new(),
                csp: Vec::new(),
                cors: Vec::new(),
                websocket: false,
                grpc: None,
                detect: Arc::new(DetectPlan {
                    automaton: None,
                    rules: Vec::new(),
                    own: Vec::new(),
                }),
            },
            limits: Limits::default(),
            budget: Budget::new(64 << 20),
            is_observing: false,
        }
    }

    /// With a detector of a built-in pack.
    pub(crate) fn detector(mut self, name: &str, action: Action) -> Self {
        let mut detectors = packs().iter().flat_map(|pack| &pack.detectors);
        let detector = detectors.find(|detector| *detector.name == *name).unwrap();
        self.set.detector(detector).unwrap();
        self.rule(name, action, Class::Detector)
    }

    /// With an own pattern.
    pub(crate) fn pattern(mut self, name: &str, regex: &str, action: Action) -> Self {
        self.set.regex(regex).unwrap();
        self.rule(name, action, Class::Detector)
    }

    /// With a dictionary or an embargo.
    pub(crate) fn terms(mut self, name: &str, class: Class, term: &str, action: Action) -> Self {
        self.set.terms([term]).unwrap();
        self.rule(name, action, class)
    }

    /// With a value that the last rule leaves alone.
    pub(crate) fn except(mut self, value: &str, until: Option<&str>) -> Self {
        self.rules.last_mut().unwrap().except.push(Exception {
            value: value.into(),
            until: until.map(|until| until.parse().unwrap()),
        });
        self
    }

    /// With `grant` as whom the last rule spares.
    pub(crate) fn spares(mut self, grant: Grant) -> Self {
        self.rules.last_mut().unwrap().grant = Some(grant);
        self
    }

    /// With `control` as what the last rule serves.
    pub(crate) fn control(mut self, control: Control) -> Self {
        self.rules.last_mut().unwrap().control = control;
        self
    }

    fn rule(mut self, name: &str, action: Action, class: Class) -> Self {
        self.rules.push(DetectRule {
            origin: origin(name),
            detector: name.into(),
            class,
            action,
            control: Control::Leak,
            except: Vec::new(),
            grant: None,
            discloses: class == Class::Detector,
        });
        self
    }

    /// The plan: Ann's, with her e-mail and phone her own.
    pub(crate) fn plan(self) -> Arc<Plan> {
        let mut treatment = self.treatment;
        let has_rules = !self.rules.is_empty();
        treatment.detect = Arc::new(DetectPlan {
            automaton: has_rules.then(|| self.set.build().unwrap()),
            rules: self.rules,
            own: vec!["email".into(), "phone".into()],
        });
        let attributes = [
            ("email", "ann@shop.example"),
            ("phone", "+49 30 901820"),
            ("group", "launch-team"),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Arc::new(Plan {
            treatment: Arc::new(treatment),
            subject: Arc::new(Subject::new("u-ann", attributes).unwrap()),
            is_observing: self.is_observing,
            level: Level::Unreviewed,
            call: None,
            context: Context {
                now: NOW.parse().unwrap(),
                preview: "pr-1".into(),
                key: FingerprintKey::from_material(b"test"),
                limits: self.limits,
                budget: self.budget,
            },
        })
    }
}

fn origin(rule: &str) -> Origin {
    Origin {
        rule: rule.into(),
        file: "policy.yaml".into(),
        line: 7,
    }
}
