"""Replies that answer nothing, in many wordings, and replies that only look like them."""

from __future__ import annotations

import time

import pytest

from errata.text import is_refusal

REFUSALS = [
    "I'm sorry, but I can't assist with that.",
    "I cannot see the image you mention. Please upload it.",
    "Sorry, I'm not able to help with identifying things in pictures.",
    "I don't have access to any image.",
    "I’m sorry, but I can’t help with that request.",
    "I'm sorry, I cannot assist with this request.",
    "I can't help with that.",
    "I cannot answer this question.",
    "As an AI language model, I cannot see images.",
    "As an AI, I don't have the ability to view images.",
    "I am unable to view the picture.",
    "I'm unable to process images.",
    "Unfortunately, I cannot view or analyze images directly.",
    "I don't see any image attached.",
    "There is no image attached to your message.",
    "No image was provided.",
    "No image provided.",
    "It seems that the image was not uploaded. Please try again.",
    "The image did not load.",
    "Please provide the image so I can help.",
    "Please upload the image.",
    "Could you please share the picture?",
    "You haven't uploaded an image.",
    "I must decline to answer this question.",
    "I'm not comfortable answering that.",
    "This request violates our content policy.",
    "I cannot identify people in images.",
    "I won't be able to help with that.",
    "I can not provide information about the people in this picture.",
    "I'm sorry, but I am not able to see the image you are referring to. Could you describe it?",
    "I do not have the capability to see pictures.",
    "I'm a text-based AI and cannot see images. If you describe the picture, I'm happy to help.",
    "Sorry, I can't do that.",
    "I’m unable to assist with that.",
    "I apologize, but I cannot provide a description of this image.",
    "I'm sorry, but I don't feel comfortable describing this image.",
    "I cannot determine the answer because no image was provided.",
    "I'm sorry, but I can't identify individuals in this photo.",
    "The image is missing, so I cannot answer.",
    "I cannot see images, so I can't tell whether there is a dog.",
    "I can't view the image, but if you describe it I can help.",
    "I'm sorry, but I can't comply with that request.",
    "I can't see the picture.",
    "I'm not able to view images.",
    "My apologies, but I can't fulfil this request.",
    "It appears no picture has been shared.",
    "I do not see an image.",
    "I refuse to answer.",
    "I can't provide assistance with that.",
    "I'm just a language model and can't see pictures.",
    "I cannot access the photo.",
    "Sorry, but the image could not be loaded.",
]

ANSWERS = [
    "No, I cannot see a dog.",
    "I cannot see any dog in the image.",
    "I can't see a dog in this picture.",
    "I don't see any dogs in the image.",
    "I'm sorry, but I cannot see a dog in the image.",
    "Sorry, there is no dog in the image.",
    "No.",
    "Yes, I can see a dog.",
    "I am unable to see a dog in this picture.",
    "There is no dog in the picture.",
    "The picture does not show a dog.",
    "Unfortunately, no dog is visible.",
    "A man is unable to open the door of a car.",
    'The image shows a sign that reads "Sorry, we cannot help you".',
    "I'm sorry, I can't identify the people, but the image shows two people on a bench.",
    "The dog cannot be seen.",
    "I cannot find any dog in the image.",
    "I cannot identify a dog in the image.",
    "I can't tell.",
    "I'm not sure.",
    "A woman is looking at a picture on the wall.",
    "A person is helping another with a phone, and a dog is sitting beside them.",
    "The image shows a laptop on a desk.",
    "I see a photo of a dog on the wall.",
    "There are no pictures on the wall.",
    "No dog.",
    "There is no image of a dog on the wall.",
    "No, there is no picture frame.",
    "I cannot see a picture frame.",
    "No, I don't see any image on the wall.",
    "Not that I can see.",
    "I do not see an airplane in the image.",
    "Yes, but I cannot help you with it.",
    "The sky is not sunny.",
    "A group of people cannot see the train behind them.",
    "I can see a dog in the image.",
    "As an AI, I see no dog in the image.",
    "As an AI model, I can confirm there is a dog.",
    "As an AI, I cannot see a dog in the image.",
    "The image does not provide enough information to tell, but there is a dog.",
    "The image is blank except for a small dog.",
    "This image was shared on a phone and shows a dog.",
    "A man is providing food to a dog.",
    "I couldn't find a dog in the picture.",
    "The man is not able to help the dog.",
    "I do not have a dog.",
    "I don't see the dog.",
    "Unable to see a dog.",
    "I cannot see the dog you mention in the image.",
    "I can't see any cars in the photo; it shows a park.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_reply_that_answers_nothing_is_a_refusal(text):
    assert is_refusal(text)
    assert is_refusal(f"**{text.upper()}**")


@pytest.mark.parametrize("text", ANSWERS)
def test_a_reply_that_tells_something_is_none(text):
    assert not is_refusal(text)


@pytest.mark.parametrize("part", ["the ", "no image ", "cannot see the ", "unable to see or see ", "as an ai model "])
def test_a_hostile_text_takes_no_time(part):
    began = time.monotonic()
    is_refusal(part * 5000)
    assert time.monotonic() - began < 5
