"""A Lambda function in the manner of the article: asks Fraud Detector about a payment, and has
Connect call the cardholder when the outcome is fraud. Nothing in it knows of Ringfence."""

import datetime
import os
import uuid

import boto3
from boto3.dynamodb.conditions import Key

detector = boto3.client("frauddetector")
connect = boto3.client("connect")
customers = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def lambda_handler(event, context):
    payment = event["transaction"]
    payment_id = uuid.uuid1()
    answer = detector.get_event_prediction(
        detectorId=os.environ["DETECTOR_NAME"],
        detectorVersionId="1",
        eventId=str(payment_id),
        eventTypeName=os.environ["EVENT_TYPE"],
        entities=[{"entityType": os.environ["ENTITY_TYPE"], "entityId": str(payment_id.int)}],
        eventTimestamp=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        eventVariables=payment,
    )
    outcome = answer["ruleResults"][0]["outcomes"][0]
    contact_id = None
    if outcome == "fraud":
        found = customers.query(KeyConditionExpression=Key("customer_id").eq(event["customer"]))
        customer = found["Items"][0]
        started = connect.start_outbound_voice_contact(
            DestinationPhoneNumber=customer["phone_number"],
            ContactFlowId=os.environ["FLOW_ID"],
            InstanceId=os.environ["INSTANCE_ID"],
            SourcePhoneNumber=os.environ["SOURCE_NUMBER"],
            Attributes={
                "Salutation": customer["salutation"],
                "Name": customer["last_name"],
                "CardNo": customer["card_number"][-4:],
                "Amount": str(payment["transaction_amt"]),
                "Customer": event["customer"],
            },
        )
        contact_id = started["ContactId"]
    return {
        "statusCode": 200,
        "outcome": outcome,
        "scores": answer["modelScores"],
        "contact_id": contact_id,
    }
