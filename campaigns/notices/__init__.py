"""What people are told of their appointments: `deciding` who hears of a change, `writing` it down beside the change,
`wording` it, and the `calendar_files` that go along. `campaigns.delivery` sends."""
