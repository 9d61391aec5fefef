//! One operation of each workload.
use futures::TryStreamExt;
use rand::random_range;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, Statement};
use scylla::value::{CqlTimestamp, Row};
use serde::Deserialize;
use std::env::var;
use std::sync::Arc;
use uuid::Uuid;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    keyspace: String,
    users: u64,
    partitions: i32,
    page_size: i32,
    batch_size: i32,
    batched_partitions: i32,
    wide_rows: i32,
    large_rows: i32,
    select_user: String,
    insert_user: String,
    select_readings: String,
    select_few: String,
    insert_batched: String,
    select_wide: String,
    select_large: String,
}

pub struct Workload {
    pub name: String,
    pub plan: Arc<Plan>,
    pub session: Session,
    /// What it reads and what it writes with; only those that the workload needs.
    read: Option<PreparedStatement>,
    write: Option<PreparedStatement>,
    batch: Batch,
}

pub async fn connect(plan: &Plan) -> Result<Session, Failure> {
    let port = var("CASSANDRA_PORT")?;
    let hosts = var("CASSANDRA_CONTACT_POINTS")?;
    let policy = DefaultPolicy::builder().prefer_datacenter(var("CASSANDRA_LOCAL_DC")?).token_aware(true).build();
    let profile = ExecutionProfile::builder().consistency(Consistency::LocalOne).load_balancing_policy(policy).build();
    let mut builder = SessionBuilder::new()
        .known_nodes(hosts.split(',').map(|host| format!("{host}:{port}")))
        .default_execution_profile_handle(profile.into_handle())
        .use_keyspace(&plan.keyspace, false);
    if let Ok(user) = var("CASSANDRA_USERNAME") {
        builder = builder.user(user, var("CASSANDRA_PASSWORD").unwrap_or_default());
    }
    Ok(builder.build().await?)
}

fn at(milliseconds: i64) -> CqlTimestamp {
    CqlTimestamp(1_700_000_000_000 + milliseconds)
}

fn user_id(n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0000_0000_0000_4000, 0x8000_0000_0000_0000 | n)
}

impl Workload {
    pub async fn new(session: Session, plan: Arc<Plan>, name: &str) -> Result<Self, Failure> {
        let (read, write) = match name {
            "insert" => ("", plan.insert_user.as_str()),
            "mixed" => (plan.select_user.as_str(), plan.insert_user.as_str()),
            "batch" => ("", plan.insert_batched.as_str()),
            "scan" | "streams" => (plan.select_readings.as_str(), ""),
            "small-streams" => (plan.select_few.as_str(), ""),
            "wide-rows" => (plan.select_wide.as_str(), ""),
            "large-cells" => (plan.select_large.as_str(), ""),
            _ => (plan.select_user.as_str(), ""),
        };
        let prepare = async |text: &str| -> Result<Option<PreparedStatement>, Failure> {
            if text.is_empty() {
                return Ok(None);
            }
            let statement = Statement::new(text).with_page_size(plan.page_size);
            Ok(Some(session.prepare(statement).await?))
        };
        let (read, write) = (prepare(read).await?, prepare(write).await?);
        let mut batch = Batch::new(BatchType::Unlogged);
        if name == "batch" {
            for _ in 0..plan.batch_size {
                batch.append_statement(write.clone().ok_or("not prepared")?);
            }
        }
        Ok(Workload { name: name.to_string(), plan, session, read, write, batch })
    }

    /// Does one operation, and tells as how many it counts.
    pub async fn once(&self) -> Result<u64, Failure> {
        match self.name.as_str() {
            "insert" => self.insert().await,
            "mixed" if random_range(0..5) == 0 => self.insert().await,
            "batch" => self.write_batch().await,
            "scan" | "streams" => self.readings(()).await,
            "small-streams" => self.readings((random_range(0..self.plan.partitions),)).await.map(|_| 1),
            "wide-rows" => self.wide_row().await,
            "large-cells" => self.large_cell().await,
            _ => self.point_read().await,
        }
    }

    fn read(&self) -> Result<&PreparedStatement, Failure> {
        Ok(self.read.as_ref().ok_or("not prepared")?)
    }

    async fn point_read(&self) -> Result<u64, Failure> {
        let id = user_id(random_range(0..self.plan.users));
        let result = self.session.execute_unpaged(self.read()?, (id,)).await?.into_rows_result()?;
        let row: (Uuid, &str, &str, i64, f64, bool, CqlTimestamp) = result.first_row()?;
        std::hint::black_box(row);
        Ok(1)
    }

    async fn insert(&self) -> Result<u64, Failure> {
        let n = random_range(0..self.plan.users);
        let (name, email) = (format!("User number {n}"), format!("user{n}@example.com"));
        let created_at = at(n as i64 * 60_000);
        let values = (user_id(n), name, email, n as i64 * 17, n as f64 / 3.0, n % 2 == 0, created_at);
        self.session.execute_unpaged(self.write.as_ref().ok_or("not prepared")?, values).await?;
        Ok(1)
    }

    async fn write_batch(&self) -> Result<u64, Failure> {
        let station = random_range(0..self.plan.batched_partitions);
        let values: Vec<_> = (0..self.plan.batch_size)
            .map(|seq| {
                let sensor = format!("thermometer {}", seq % 16);
                (station, seq, at(i64::from(seq) * 1_000), sensor, 20.0 + f64::from(seq % 100) / 10.0)
            })
            .collect();
        self.session.batch(&self.batch, values).await?;
        Ok(1)
    }

    /// Reads every page and every cell; gives the number of rows.
    async fn readings(&self, values: impl scylla::serialize::row::SerializeRow) -> Result<u64, Failure> {
        let pager = self.session.execute_iter(self.read()?.clone(), values).await?;
        let mut stream = pager.rows_stream::<(i32, i32, CqlTimestamp, String, f64)>()?;
        let mut rows = 0;
        while let Some(row) = stream.try_next().await? {
            std::hint::black_box(row);
            rows += 1;
        }
        Ok(rows)
    }

    async fn wide_row(&self) -> Result<u64, Failure> {
        let id = random_range(0..self.plan.wide_rows);
        let result = self.session.execute_unpaged(self.read()?, (id,)).await?.into_rows_result()?;
        let row: Row = result.first_row()?;
        if row.columns.iter().any(Option::is_none) {
            return Err("a cell is missing".into());
        }
        Ok(1)
    }

    async fn large_cell(&self) -> Result<u64, Failure> {
        let id = random_range(0..self.plan.large_rows);
        let result = self.session.execute_unpaged(self.read()?, (id,)).await?.into_rows_result()?;
        let (data,): (Vec<u8>,) = result.first_row()?;
        if data.len() < 100_000 {
            return Err("a large cell is missing".into());
        }
        Ok(1)
    }
}
