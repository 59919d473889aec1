//! The ticket link: opening it asks, confirming spends it, once.
//!
//! The ticket stands behind the address's `#`, which browsers keep to themselves: no log and no `Referer` has it.
//! The page's own script sends it to be looked at, which changes nothing, so that whoever follows links to preview them,
//! scripts included, spends nothing.

use jiff::Timestamp;
use maud::html;

use super::form::Form;
use super::{Asked, Own, Told, by_hand, opened};
use crate::audit::Event;
use crate::capability::ticket::Ticket;
use crate::proxy::page;
use crate::types::{ReasonCode, Refusal, Subject};

impl Own {
    /// The page that the link leads to.
    pub(super) fn ticket_page(&self, asked: &Asked<'_>) -> Result<Told, Refusal> {
        self.spent()?;
        opened(asked)?;
        let body = html! {
            (whereto(asked))
            p { "A ticket is a secret for its user alone. It lets this browser in, once." }
            form method="post" action="ticket" {
                p { label for="ticket" { "Ticket" } input id="ticket" name="ticket" autocomplete="off" required; }
                button { "Continue" }
            }
            (page::ticket_script())
        };
        Ok(Told::page("Open this preview?", &body))
    }

    /// Shows the ticket to its user, or spends it where they have confirmed.
    pub(super) async fn ticket(&self, mut asked: Asked<'_>) -> Result<Told, Refusal> {
        let spent = self.spent()?;
        by_hand(&asked)?;
        let throttle = &asked.admission.throttle;
        throttle.may_try(asked.client)?;
        let form = Form::read(&mut asked).await?;
        let text = form.value("ticket").unwrap_or_default();
        let ticket = open(&asked, text).inspect_err(|_| throttle.failed(asked.client))?;
        let subject = Subject::new(ticket.user(), ticket.grant().attributes);
        let subject = subject.ok_or_else(|| invalid("its user has no id"))?;
        let (minted, verified) = self.mint(&asked, &subject, None)?;
        if form.value("confirm").is_none() {
            let body = html! {
                (whereto(&asked))
                dl { dt { "You are" } dd { (ticket.user()) } }
                p { "Whoever confirms acts as this user. The ticket can be spent once, until " (time(ticket.expires())) "." }
                form method="post" action="ticket" {
                    input type="hidden" name="ticket" value=(text);
                    button name="confirm" value="yes" { "Open as " (ticket.user()) }
                }
            };
            let told = Told::page("Open this preview?", &body);
            return Ok(told.did(Event::TicketOpened).acting_for(verified));
        }
        let told = Told::leads_to(ticket.path())?.keeping(&minted, asked.now)?;
        spent.spend(&ticket, asked.now).await?;
        Ok(told.did(Event::TicketSpent).acting_for(verified))
    }

    fn spent(&self) -> Result<&super::Spent, Refusal> {
        self.minter()?;
        let missing = || Refusal::new(ReasonCode::EndpointUnknown);
        self.spent.as_ref().ok_or_else(missing)
    }
}

/// Reads a ticket for this preview.
fn open(asked: &Asked<'_>, text: &str) -> Result<Ticket, Refusal> {
    let issuers = asked.judge.policy.capability().biscuit.as_ref();
    let issuers = issuers.ok_or_else(|| invalid("the policy takes none"))?;
    let ticket = Ticket::open(text, issuers, asked.now);
    let ticket = ticket.map_err(|error| invalid(&error.to_string()))?;
    if ticket.preview() != asked.preview {
        return Err(invalid("it is for another preview"));
    }
    Ok(ticket)
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(ReasonCode::TicketInvalid).because(why)
}

/// What is about to be opened.
fn whereto(asked: &Asked<'_>) -> maud::Markup {
    html! {
        dl {
            dt { "Preview" } dd { (asked.preview) }
            @if let Some(revision) = asked.revision { dt { "Revision" } dd { code { (revision) } } }
        }
    }
}

fn time(time: Timestamp) -> String {
    format!("{time:.0}")
}
