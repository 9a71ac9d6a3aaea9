"""The whole way of a click, from the edge through Kafka into ClickHouse, broken on purpose and measured."""
