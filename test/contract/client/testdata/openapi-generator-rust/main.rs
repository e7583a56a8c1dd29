//! Uses a client that openapi-generator made. The arguments are BASE, TOKEN and REFERENCE.
//! The client takes the server's address from the contract.

use chrono::{DateTime, Duration, FixedOffset, TimeZone, Timelike, Utc};
use serde::de::DeserializeOwned;
use smsapi::apis::messages_api::{self as api, SendMessageError};
use smsapi::apis::{configuration::Configuration, Error};
use smsapi::models::{BatchMessageRequest, BatchRequest, MessageRequest, MessageStatus};

const NUMBER: &str = "+5511999999999";

/// Converts a time to the type that the generator gave to times: a String or chrono's.
fn time<Z: TimeZone, T: DeserializeOwned>(at: DateTime<Z>) -> Option<T> {
    Some(serde_json::from_value(serde_json::json!(at.to_rfc3339())).unwrap())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let reference = args[3].as_str();
    let config = Configuration {
        oauth_access_token: Some(args[2].clone()),
        ..Configuration::default()
    };
    let message = |to: &str, text: &str| MessageRequest::new(to.to_string(), text.to_string());
    let began = (Utc::now() - Duration::minutes(1)).with_timezone(&FixedOffset::west_opt(3 * 3600).unwrap());

    let mut first = message(NUMBER, "Your code is 1234");
    first.reference = Some(reference.to_string());
    let sent = api::send_message(&config, first, Some(reference)).await?;
    let mut status = sent.status;
    while status != MessageStatus::Delivered {
        status = api::get_message(&config, &sent.id, Some(20), None).await?.status;
    }

    let until = Utc::now() + Duration::hours(1);
    let page = api::list_messages(&config, None, None, Some(reference), time(began), time(until), None, None).await?;
    assert!(page.messages.len() == 1 && page.messages[0].id == sent.id, "{page:?}");
    let page = api::list_messages(&config, None, None, Some(reference), None, time(began), None, None).await?;
    assert!(page.messages.is_empty(), "{page:?}");

    let later = (Utc::now() + Duration::hours(1)).with_nanosecond(0).unwrap();
    let mut second = message(NUMBER, "Later");
    second.send_at = time(later);
    let scheduled = api::send_message(&config, second, None).await?;
    let send_at: DateTime<Utc> = serde_json::from_value(serde_json::json!(scheduled.send_at))?;
    assert!(scheduled.status == MessageStatus::Scheduled && send_at == later, "{scheduled:?}");
    assert_eq!(api::cancel_message(&config, &scheduled.id).await?.status, MessageStatus::Canceled);

    let both = [NUMBER, "+1"].map(|to| BatchMessageRequest::new(to.to_string(), "Hello".to_string()));
    let batch = api::send_batch(&config, BatchRequest::new(both.to_vec())).await?;
    assert_eq!(batch.results[0].message.as_ref().unwrap().status, MessageStatus::Queued);
    assert_eq!(batch.results[1].problem.as_ref().unwrap().r#type, "urn:smsqueue:problem:invalid-fields");

    match api::send_message(&config, message("+1", "Hello"), None).await {
        Err(Error::ResponseError(refused)) => match refused.entity {
            Some(SendMessageError::Status400(problem) | SendMessageError::Status422(problem)) => {
                assert_eq!(problem.r#type, "urn:smsqueue:problem:invalid-fields");
                assert_eq!(problem.errors.unwrap()[0].field, "phoneNumber");
            }
            other => panic!("the refusal is {other:?}"),
        },
        other => panic!("sending to nobody gave {other:?}"),
    }
    println!("the flow is done");
    Ok(())
}
