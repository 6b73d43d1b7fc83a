"""A Lambda function in the manner of the article: blocks the card of the customer on the phone."""

import os

import boto3
from boto3.dynamodb.conditions import Key

customers = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def lambda_handler(event, context):
    customer_id = event["Details"]["ContactData"]["Attributes"]["Customer"]
    found = customers.query(KeyConditionExpression=Key("customer_id").eq(customer_id))
    item = found["Items"][0]
    item["is_blocked"] = True
    customers.put_item(Item=item)
    return {"statusCode": 200, "body": "Success!"}
